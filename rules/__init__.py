"""The rule engine: readings in, alert transitions out. Pure: no clock, no I/O; the caller brings
the time.

`definition.parse_rule` turns rule documents into rules, `engine.Engine` judges readings in event
time, `presence.Presence` judges silence in server time; both answer with `transition.Transition`s.
"""
