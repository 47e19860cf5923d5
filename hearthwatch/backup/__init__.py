"""Backup of everything that the services of a district keep, and its way back.

`parts` says what there is, `copies` copies a part as one moment had it, `manifest` describes the
copies, `back_up` and `restore` are the two commands.
"""
