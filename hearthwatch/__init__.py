"""The command line and the composition root: commands, processes, and trials of rules."""

from importlib.metadata import version

__version__ = version("hearthwatch")
