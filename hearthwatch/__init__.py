"""The command line and the composition root: wiring only."""

from importlib.metadata import version

__version__ = version("hearthwatch")
