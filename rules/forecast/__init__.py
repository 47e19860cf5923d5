"""Weather forecasts, and the rule that proposes the extreme-cold mode from them."""
