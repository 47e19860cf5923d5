"""The control-room pages: what the duty desk sees in a browser, on top of the alert service's API.

`mount(app)` adds them to the application that `api.create_app` made.
"""

from console.views import mount

__all__ = ["mount"]
