"""The whole system on one machine: simulated heat pumps, broker, store, alerts and console."""
