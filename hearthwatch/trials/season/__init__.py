"""`simulate season`: a simulated season through the shipped rules, and the alerts held against the
truth.

`judge` runs one block through the rules, `absences` feeds the rules over silence, `run` spreads the
blocks over processes, `result` is what is printed.
"""
