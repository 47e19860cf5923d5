"""The whole system on one machine: simulated houses on real serial lines, real broker, store,
alerts and console."""
