"""The frame of a rule kind: a watch holds the state of one rule for the whole fleet."""
