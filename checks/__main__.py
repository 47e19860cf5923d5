"""`python -m checks`: run all checks of the tree; exits 1 if one of them fails."""

import sys
from pathlib import Path
from typing import Final

from checks import citations, locks, names, rooms, translations

CHECKS: Final = (citations.main, names.main, translations.main, locks.main, rooms.main)


def main(root: Path) -> int:
    """Run every check, also after one has failed, and return the highest exit code."""
    return max([check(root) for check in CHECKS])


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
