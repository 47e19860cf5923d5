"""A web server of a test's own, in a thread of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from typing import TypeVar

Web = TypeVar("Web", bound=HTTPServer)


@contextmanager
def answering(server: Web) -> Iterator[Web]:
    """`server` answers while it is used, and is closed afterwards."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
