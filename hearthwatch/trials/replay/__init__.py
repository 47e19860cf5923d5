"""`rules replay`: alerts that rules would have raised over stored readings, and a comparison.

The same shape as `trials.season`: options → plan and blocks → evaluate → result → picture.
Different: blocks and readings come from the reading store; silence is derived from gaps in them;
two sets of rules may be compared. No database is changed.
"""
