"""The control-room pages: what the duty desk sees in a browser, on top of the alert service's API.

`mount(app)` adds them to the application that `api.create_app` made.
"""

from console.assets import missing
from console.views import mount


def readiness() -> list[str]:
    """What the pages lack, as sentences; empty when they work."""
    names = missing()
    return [f"console: no {', '.join(names)}; install a wheel of `make wheel`"] if names else []


__all__ = ["mount", "readiness"]
