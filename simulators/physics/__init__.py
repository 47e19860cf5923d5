"""Pure physics, vectorised over units: state, time, weather and disturbances in, next state out.

`fleet` lets time pass and measures, over `machine` (one heat pump) and `weather`. `disturbance`
is the only way in for faults, `fleet.measure` the only way out, to the points of contract §4.
"""
