"""Rule tests as data: compact series of readings, and exactly the transitions that must follow.

    rules = ["../low_room_temperature.toml"]   # relative to this file

    [[test]]
    name = "an hour below 18 °C raises; 18.5 clears"
    interval = "5m"                            # between readings
    start = "2025-12-01T00:00:00+08:00"        # of the first reading; this is the default

    [test.series]                              # one value per interval
    state = "heating*30"                       # a state, or gap: no reading; default: heating
    room_c = "19*3 17.5*14 18.6*4 _*9"         # any point; _ is a missing value
    faults = "-*5 high_pressure:P1*3 -*22"     # - is none; a comma joins several; default: none
    bad = "-*29 room_c"                        # points that could not be read; default: none

    [[test.expect]]
    at = "1h15m"                               # after start
    rule = "low_room_temperature"
    edge = "raise"                             # raise, update or clear

`VALUE*COUNT` repeats a value; `A>B*COUNT` is a straight line of COUNT values from A to B. All
series of a device are equally long. An expectation may also hold `subject`, `code`, `value`
(± 0.05) or `about` (± 10 %), `priority`, `reason` and `onset` (after start).

For several devices, `[test.device.NAME]` tables with the same series, and perhaps `village` and
`gateway`, take the place of `[test.series]`. A gateway sends a message when one of its devices has
a reading; else it is silent. `[test.override.RULE_ID]` changes keys of a rule for this test.
`[[test.forecast]]` tables hold `at` (after start) and `outdoor_c`, a series by the hour from then
on; the newest forecast counts.
"""
