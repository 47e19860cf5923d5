"""The command line (contract §6): one module per group of commands.

Commands import what they need when they run, so that an edge installation needs none of the
server's packages.
"""

from hearthwatch.cli.application import app

__all__ = ["app"]
