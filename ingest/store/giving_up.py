"""Questions to the store that nobody waits for any more: they end early.

Whoever asks says with `asked_by` how to find out that the asker has left; the stores look at it
while they work. It is bound to the thread, so no question passes it on by hand.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Left = Callable[[], bool]
"""Whether the asker has left; once True it stays True. Called often: it has to be quick."""


class NobodyWaits(Exception):  # noqa: N818 - a state of the asker, not a mistake of ours
    """The asker has left; the question was given up."""


def _never() -> bool:
    return False


_LEFT: ContextVar[Left] = ContextVar("left", default=_never)


@contextmanager
def asked_by(left: Left) -> Iterator[None]:
    """Give up questions of the block once `left` says so: they raise NobodyWaits."""
    token = _LEFT.set(left)
    try:
        yield
    finally:
        _LEFT.reset(token)


def nobody_waits() -> bool:
    """Whether whoever asks in this thread has left."""
    return _LEFT.get()()


def give_up_if_left() -> None:
    """Raise NobodyWaits if whoever asks in this thread has left."""
    if nobody_waits():
        raise NobodyWaits("whoever asked has left")
