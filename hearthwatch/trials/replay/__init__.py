"""`rules replay`: what rules would have raised over readings that are stored, and what other limits
would change.

`plan` finds out what there is to replay, `judge` runs one block of villages through the rules,
`silence` takes from the readings who was not heard, `result` and `picture` show what came of it,
`command` puts them together. Nothing here writes to a database.
"""
