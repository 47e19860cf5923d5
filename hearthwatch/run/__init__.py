"""The processes: each module reads settings, makes the parts of a service, and runs it."""
