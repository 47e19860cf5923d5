"""Bus URLs, and how long an exchange takes on each kind of line. Pure.

serial:///dev/ttyS1?baud=9600&parity=N&stop=1      RS-485 at this box
rtu+tcp://HOST:PORT?baud=9600                      RS-485 behind a transparent serial server
tcp://HOST:PORT                                    Modbus TCP
"""

from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

LineKind = Literal["serial", "rtu+tcp", "tcp"]

_PARITIES: Final = ("N", "E", "O")

# Modbus over serial line V1.02 §2.5.1.1: 3.5 characters, and above 19,200 baud a fixed 1.75 ms.
_SILENT_CHARACTERS: Final = 3.5
_SILENCE_ABOVE_19200_S: Final = 0.001_75
# One round trip through a serial server on the village's own network; a planning figure.
_NETWORK_S: Final = 0.02

_RTU_REQUEST_BYTES: Final = 8
_RTU_REPLY_FRAME_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class LineAddress:
    """One bus: `path` of a serial device, else `host` and `port`.

    `parity` is N, E or O; `stop` is 1 or 2 bits.
    """

    kind: LineKind
    path: str = ""
    host: str = ""
    port: int = 0
    baud: int = 9600
    parity: str = "N"
    stop: int = 1

    @property
    def name(self) -> str:
        """The name of the line in birth messages and logs: its URL without the settings."""
        if self.kind == "serial":
            return f"serial://{self.path}"
        return f"{self.kind}://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL of the line with its settings."""
        if self.kind == "tcp":
            return self.name
        return f"{self.name}?baud={self.baud}&parity={self.parity}&stop={self.stop}"

    @property
    def addresses(self) -> range:
        """The addresses that a unit of the line may have: on Modbus TCP every unit id."""
        return range(256) if self.kind == "tcp" else range(1, 248)

    @property
    def character_s(self) -> float:
        """Seconds that one byte takes on the wire; 0 if the wire is a network."""
        if self.kind == "tcp":
            return 0.0
        parity_bits = 0 if self.parity == "N" else 1
        return (1 + 8 + parity_bits + self.stop) / self.baud

    @property
    def silence_s(self) -> float:
        """The silence that ends a frame, in seconds."""
        if self.kind == "tcp":
            return 0.0
        if self.baud > 19_200:
            return _SILENCE_ABOVE_19200_S
        return _SILENT_CHARACTERS * self.character_s

    def exchange_s(self, data_bytes: int, turnaround_s: float, pacing_s: float = 0.0) -> float:
        """Seconds that one request takes, with the silences before and after it.

        `data_bytes` is the length of the data in its reply, `turnaround_s` the time the unit takes
        to answer, `pacing_s` the least silence that the unit wants before a request.
        """
        wire = (_RTU_REQUEST_BYTES + _RTU_REPLY_FRAME_BYTES + data_bytes) * self.character_s
        network = 0.0 if self.kind == "serial" else _NETWORK_S
        return max(self.silence_s, pacing_s) + wire + self.silence_s + turnaround_s + network


def parse_line(url: str) -> LineAddress:
    """The line that `url` names; raises ValueError, which names the mistake."""
    parts = urlsplit(url)
    if parts.scheme == "serial":
        if parts.netloc or not parts.path.startswith("/"):
            raise ValueError(f"{url!r}: a serial line is serial:///dev/NAME, with three slashes")
        return _with_settings(LineAddress("serial", path=parts.path), url, parts.query)
    if parts.scheme not in ("rtu+tcp", "tcp"):
        raise ValueError(f"{url!r}: begin with serial://, rtu+tcp:// or tcp://")
    if not parts.hostname or not parts.port or parts.path not in ("", "/"):
        raise ValueError(f"{url!r}: a network line is {parts.scheme}://HOST:PORT")
    kind: LineKind = "tcp" if parts.scheme == "tcp" else "rtu+tcp"
    return _with_settings(LineAddress(kind, host=parts.hostname, port=parts.port), url, parts.query)


def _with_settings(line: LineAddress, url: str, query: str) -> LineAddress:
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(options) - (set() if line.kind == "tcp" else {"baud", "parity", "stop"}))
    if unknown:
        raise ValueError(f"{url!r}: {', '.join(unknown)} means nothing here")
    baud, parity = options.get("baud", "9600"), options.get("parity", "N")
    stop = options.get("stop", "1")
    if not (baud.isascii() and baud.isdigit() and 300 <= int(baud) <= 1_000_000):
        raise ValueError(f"{url!r}: baud is 300 to 1000000")
    if parity not in _PARITIES or stop not in ("1", "2"):
        raise ValueError(f"{url!r}: parity is N, E or O, stop is 1 or 2")
    return replace(line, baud=int(baud), parity=parity, stop=int(stop))
