"""`simulate season`: a simulated season through the shipped rules, compared with the truth.

The same shape as `trials.replay`: options → plan → evaluate → result → picture. Different: blocks
and readings come from the simulator; silence is fed from the simulated absences; alerts are scored
against what really happened.
"""
