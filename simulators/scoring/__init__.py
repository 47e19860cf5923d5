"""Alerts against the truth, class by class: detected, missed and false. Pure.

`signs` assigns alerts to classes of causes; `score` counts.
"""
