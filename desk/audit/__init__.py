"""The audit log: who did, changed, read or was refused what, from where and when (contract §17)."""
