"""Presence: which gateways and devices are heard, and which silence becomes an alert.

`presence` is the entrance. `roster` holds who is heard, `silence` decides what silence means,
`alerting` makes the transitions and `texts` writes them; `rules` are the kinds of rules.
"""
