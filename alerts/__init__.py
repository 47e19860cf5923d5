"""Alerting: messages of the bus become alerts, tickets and an alert feed."""
