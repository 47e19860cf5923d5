"""Write the generated files: `python -m hearthwatch.generated`.

With `--check` nothing is written; the exit code is 1 if a file is out of date.
"""

import sys
from pathlib import Path

from hearthwatch.generated.files import generated_files, out_of_date


def _main(arguments: list[str]) -> int:
    root = Path(__file__).parents[2]
    stale = out_of_date(root)
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"out of date: {path.relative_to(root)}; run make format\n")
        return 1 if stale else 0
    texts = generated_files(root)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
