"""The edge: poll heat pumps over Modbus, journal what they say, publish it, and forget it only when it is stored.

The whole process is to stay below 45 MB resident, on boxes with little memory.
"""

import sys

# structlog loads rich and pygments where they are installed, 5 MB only to draw tracebacks; not on the edge.
_drawing = sys.modules.get("rich")
if "structlog" not in sys.modules and _drawing is None:
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog as structlog

    del sys.modules["rich"]
