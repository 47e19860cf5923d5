"""The rule engine: readings in, alert transitions out. Pure: the caller brings time and I/O.

`definition.parse_rule` makes rules of rule documents. `engine.engine.Engine` evaluates readings in
event time, `presence.presence.Presence` evaluates silence in server time, and
`forecast.extreme_cold.ColdWatch` evaluates the weather forecast. All three return
`transitions.transition.Transition`s. Rooms import only downward: `rule_tests` · `definition` ·
`engine`, `presence`, `forecast`, `kinds` · `watches` · `document` · `readings`, `transitions`.
"""
