"""Who may call and see what: accounts, tokens, sessions, scopes."""
