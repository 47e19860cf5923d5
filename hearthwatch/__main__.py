"""The entry point: runs the command line and turns errors into exit codes (design §7)."""

import os
import sys
from typing import Final

from configuration.load import ConfigurationError
from hearthwatch.base.errors import (
    FAILED,
    UNREACHABLE,
    WRONG_USAGE,
    FailedError,
    UnreachableError,
    UsageError,
)
from hearthwatch.base.installing import install_advice
from hearthwatch.cli import app
from wire.plain_text import printable

FILES_UMASK: Final = 0o027
"""New files are 0640, new folders 0750: readings and tickets are of people, not for every user."""


def main() -> None:
    """Run the command line and exit with 0, or with one of the codes in `base.errors`."""
    os.umask(FILES_UMASK)
    try:
        app(prog_name="hearthwatch")
    except ConfigurationError as error:
        _fail(WRONG_USAGE, *(str(problem) for problem in error.problems))
    except UsageError as error:
        _fail(WRONG_USAGE, str(error))
    except UnreachableError as error:
        _fail(UNREACHABLE, str(error))
    except FailedError as error:
        _fail(FAILED, str(error))
    except _database_errors() as error:
        from desk.database.explanation import explained

        _fail(UNREACHABLE, explained(error))
    except ModuleNotFoundError as error:
        _fail(
            WRONG_USAGE,
            f"this command needs {error.name}; {install_advice('server')}",
        )


def _database_errors() -> tuple[type[Exception], ...]:
    """The errors of a ticket database that is away or broken; none where nothing opened one."""
    errors = sys.modules.get("sqlalchemy.exc")
    names = ("OperationalError", "InterfaceError", "ProgrammingError", "DatabaseError")
    return () if errors is None else tuple(getattr(errors, name) for name in names)


def _fail(code: int, *lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"hearthwatch: {printable(line)}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
