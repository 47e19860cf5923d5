"""The kinds of rules over readings, one module each, in rooms by what they wait for.

`lasting`: a symptom lasts for an on-delay. `states`: the operating state changes. `hourly`: one
reading an hour, decided over days or a season. Rules over silence are in `rules.presence`, the rule
over weather in `rules.forecast`; `rules.definition` lists all kinds.
"""
