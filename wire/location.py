"""Where a thing stands in the district: down to its village, or to the gateway it hangs on."""

from typing import NamedTuple

from wire.topics import GatewayPath


class Location(NamedTuple):
    """A place in the district; `gateway` is None for what concerns a whole village."""

    district: str
    town: str
    village: str
    gateway: str | None = None

    @classmethod
    def of(cls, gateway: GatewayPath) -> "Location":
        """The location of a gateway and of the devices on it."""
        return cls(gateway.district, gateway.town, gateway.village, gateway.gateway)

    def levels(self) -> tuple[str, ...]:
        """The ids from the district inwards, as far as they are known."""
        return tuple(level for level in self if level is not None)
