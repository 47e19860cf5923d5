"""Kinds that follow the operating state: changes counted, running time divided."""
