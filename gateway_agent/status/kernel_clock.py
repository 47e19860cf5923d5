"""Whether the wall clock is set right, as its time service has reported to the kernel."""

import ctypes
from typing import Final

# adjtimex(2): the call returns TIME_ERROR if no time service has set the clock since boot, or if
# it lost its source.
_TIME_ERROR: Final = 5
# struct timex takes 208 bytes on 64-bit Linux and 128 on 32-bit; zero means "change nothing".
_TIMEX_BYTES: Final = 256


def is_synchronised() -> bool:
    """Whether a time service keeps the clock; also true if the kernel cannot be asked."""
    try:
        answer: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return True
    return answer != _TIME_ERROR
