"""The contract between hearthwatch processes: points, messages, topics and their JSON form.

Standard library only, so that the edge agent stays small and every part can import it.
"""
