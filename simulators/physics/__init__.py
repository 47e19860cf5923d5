"""Pure physics, vectorised over units: time, weather and disturbances go in, the next state comes
out.

`fleet` is what does not change, `state` what does, `step` lets time pass (slow part) and `circuit`
its fast part. Around them one module per thing: `house`, `heat_pump`, `frost`, `control`,
`impairment` (what faults do to a machine), `protection` (what then stops it), `grid`, and the
weather (`weather` from `climate`, `spells` over it). `disturbance` is the way in for everything
that goes wrong, `measure` the way out to the points of contract §4.
"""
