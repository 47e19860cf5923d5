"""Tickets: their life cycle and clocks (pure), open cases, queries and acts."""
