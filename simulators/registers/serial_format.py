"""The character format of a serial line, and the time that frames take. Pure."""

from dataclasses import dataclass
from typing import Final, Literal

Parity = Literal["N", "E", "O"]

TURNAROUND_S: Final = 0.01  # between request and reply, engineering assumption
_SILENT_CHARACTERS: Final = 3.5  # Modbus over Serial Line V1.02 §2.5.1.1
_SILENCE_ABOVE_19200_S: Final = 0.001_75


@dataclass(frozen=True, slots=True)
class SerialFormat:
    """Speed in baud, parity and stop bits of a line with 8 data bits."""

    baud: int = 9600
    parity: Parity = "N"
    stop: int = 1

    @property
    def character_bits(self) -> int:
        """Bits of one character: start, 8 data, parity and stop bits."""
        parity_bits = 0 if self.parity == "N" else 1
        return 1 + 8 + parity_bits + self.stop

    @property
    def character_s(self) -> float:
        """Seconds one character takes."""
        return self.character_bits / self.baud

    @property
    def silence_s(self) -> float:
        """Seconds of silence that end a frame."""
        if self.baud > 19_200:
            return _SILENCE_ABOVE_19200_S
        return _SILENT_CHARACTERS * self.character_s

    def frame_s(self, characters: int) -> float:
        """Seconds a frame of `characters` takes, with the silence that ends it."""
        return characters * self.character_s + self.silence_s

    def exchange_s(self, request: int, reply: int) -> float:
        """Seconds from the start of a request to the end of its reply; lengths in characters."""
        return self.frame_s(request) + TURNAROUND_S + self.frame_s(reply)
