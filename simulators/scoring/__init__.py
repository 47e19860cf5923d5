"""Alerts against the truth, class by class: what was found, what was missed, what was false. Pure.

`signs` says which alerts belong to which class of cause; `score` counts.
"""
