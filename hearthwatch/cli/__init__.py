"""The command line (contract §6): one module for each group of commands.

A command imports what it needs when it runs. An edge installation therefore needs none of the
server's packages.
"""

from hearthwatch.cli.application import app

__all__ = ["app"]
