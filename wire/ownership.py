"""Which gateway a device belongs to (contract §11 "Ownership"). Pure: no clock, no I/O.

The owner follows from all that is known at one moment, whatever the order in which it became known:

1. A retired gateway owns nothing.
2. The ledger decides where it names a gateway for the device.
3. Else the gateway whose births have listed the device for the longest time.
4. Else, for a device that no birth lists, the gateway that first sent a reading of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from wire.topics import GatewayPath

_NOBODY: Final[Mapping[GatewayPath, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LedgerWord:
    """The decisions of people: retired gateways, and by device the gateway that it belongs to.

    `assigned` holds paths `district/town/village/gateway`, or the end of one, such as a gateway id.
    An end that fits several gateways leaves the choice among them; one that fits none yet keeps the
    device from all others.
    """

    retired: frozenset[GatewayPath] = frozenset()
    assigned: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Ownership:
    """The owner of each device, from births, first readings and the word of the ledger.

    Each method that changes owners returns the devices whose owner changed.
    """

    def __init__(self) -> None:
        self._owner: dict[str, GatewayPath] = {}
        self._listed: dict[GatewayPath, frozenset[str]] = {}
        self._claims: dict[str, dict[GatewayPath, int]] = {}
        self._spoke: dict[str, GatewayPath] = {}
        self._word = LedgerWord()
        # Indexes of the above: what each gateway owns; paths, and devices named in part, by id.
        self._owned: dict[GatewayPath, set[str]] = {}
        self._known: dict[str, list[GatewayPath]] = {}
        self._in_part: dict[str, list[str]] = {}
        self._contested: dict[str, list[GatewayPath]] = {}

    def announce(
        self, gateway: GatewayPath, devices: Iterable[str], since: int | Mapping[str, int] = 0
    ) -> frozenset[str]:
        """Apply a birth: `gateway` claims exactly `devices` and gives up all its other devices.

        `since` is when the claims began (UTC ms); an older claim of a device keeps its time.
        """
        listed, before = frozenset(devices), self._listed.get(gateway, frozenset())
        affected = self._meet(gateway).union(before, listed)
        self._listed[gateway] = listed
        for device in before - listed:
            self._give_up(device, gateway)
        for device in listed:
            begun = since if isinstance(since, int) else since.get(device, 0)
            self._claims.setdefault(device, {}).setdefault(gateway, begun)
        return self._settle(affected)

    def _meet(self, gateway: GatewayPath) -> frozenset[str]:
        """Note a gateway; returns the devices that the ledger may mean by a part of its path."""
        if gateway in self._listed:
            return frozenset()
        self._known.setdefault(gateway.gateway, []).append(gateway)
        return frozenset(self._in_part.get(gateway.gateway, ()))

    def _give_up(self, device: str, gateway: GatewayPath) -> None:
        claims = self._claims[device]
        del claims[gateway]
        if not claims:
            del self._claims[device]

    def decide(self, word: LedgerWord) -> frozenset[str]:
        """Replace the word of the ledger."""
        before, self._word = self._word, word
        self._in_part.clear()
        for device, text in word.assigned.items():
            if not is_whole(text):
                self._in_part.setdefault(text.rpartition("/")[2], []).append(device)
        affected = {
            device
            for device in before.assigned.keys() | word.assigned.keys()
            if before.assigned.get(device) != word.assigned.get(device)
        }
        for gateway in before.retired ^ word.retired:
            affected |= self._touching(gateway)
        return self._settle(affected)

    def _touching(self, gateway: GatewayPath) -> set[str]:
        """The devices that `gateway` may gain or lose by its retirement."""
        spoken = {device for device, speaker in self._spoke.items() if speaker == gateway}
        return spoken | self._word.assigned.keys() | self._listed.get(gateway, frozenset())

    def claim(self, device: str, gateway: GatewayPath) -> bool:
        """Whether `gateway`, which sends a reading of `device`, owns it.

        A device without an owner goes to the first that speaks.
        """
        if device not in self._owner and gateway not in self._word.retired:
            self._spoke[device] = gateway
            self._settle((device,))
        return self._owner.get(device) == gateway

    def owner(self, device: str) -> GatewayPath | None:
        """Return the gateway that owns `device`, or None."""
        return self._owner.get(device)

    @property
    def retired(self) -> frozenset[GatewayPath]:
        """The gateways that the ledger has ended."""
        return self._word.retired

    def is_retired(self, gateway: GatewayPath) -> bool:
        """Whether the ledger has ended `gateway`."""
        return gateway in self._word.retired

    def claims(self, device: str, gateway: GatewayPath) -> bool:
        """Whether the last birth of `gateway` lists `device`."""
        return gateway in self._claims.get(device, _NOBODY)

    def claimed_since(self, gateway: GatewayPath) -> dict[str, int]:
        """Return the devices of the last birth of `gateway`, and since when it claims each."""
        listed = self._listed.get(gateway, frozenset())
        return {device: self._claims[device][gateway] for device in listed}

    def devices_of(self, gateway: GatewayPath) -> frozenset[str]:
        """Return the devices that `gateway` owns and a birth lists: its own, or another's."""
        owned = self._owned.get(gateway, ())
        return frozenset(device for device in owned if self._live(device))

    def contested(self) -> Mapping[str, list[GatewayPath]]:
        """Return, by device, the other gateways whose live claims nobody has decided, in order.

        A claim is live while its gateway lists the device and is not retired. The ledger has
        decided when the gateway that it names lists the device, too.
        """
        return self._contested

    def _note_contest(self, device: str) -> None:
        owner, live = self._owner.get(device), self._live(device)
        others = sorted((gateway for gateway in live if gateway != owner), key=str)
        decided = owner in live and self._named(device) == [owner]
        if others and not decided:
            self._contested[device] = others
        else:
            self._contested.pop(device, None)

    def _live(self, device: str) -> dict[GatewayPath, int]:
        claims = self._claims.get(device, _NOBODY).items()
        return {at: since for at, since in claims if at not in self._word.retired}

    def _settle(self, devices: Iterable[str]) -> frozenset[str]:
        changed = set()
        for device in devices:
            owner, before = self._rightful(device), self._owner.pop(device, None)
            if owner is not None:
                self._owner[device] = owner
            if owner != self._spoke.get(device):
                self._spoke.pop(device, None)
            self._note_contest(device)
            if owner == before:
                continue
            changed.add(device)
            if before is not None:
                self._owned[before].discard(device)
            if owner is not None:
                self._owned.setdefault(owner, set()).add(device)
        return frozenset(changed)

    def _rightful(self, device: str) -> GatewayPath | None:
        named = self._named(device)
        if named is not None and len(named) == 1:
            return named[0]
        live = self._live(device)
        fitting = [gateway for gateway in live if named is None or gateway in named]
        if fitting:
            return min(fitting, key=lambda gateway: (live[gateway], str(gateway)))
        speaker = self._spoke.get(device)
        if live or speaker in self._word.retired or (named is not None and speaker not in named):
            return None
        return speaker

    def _named(self, device: str) -> list[GatewayPath] | None:
        """Return the gateways that the ledger may mean for `device`, None where it is silent.

        A retired gateway decides nothing. One that is not known yet keeps the device from others.
        """
        text = self._word.assigned.get(device)
        if text is None:
            return None
        known = [GatewayPath(*text.split("/"))] if is_whole(text) else self._meant_by(text)
        serving = [gateway for gateway in known if gateway not in self._word.retired]
        return serving if serving or not known else None

    def _meant_by(self, text: str) -> list[GatewayPath]:
        known = self._known.get(text.rpartition("/")[2], ())
        return [path for path in known if f"/{path}".endswith(f"/{text}")]


def is_whole(path: str) -> bool:
    """Whether `path` has all four levels of a gateway's path."""
    return path.count("/") == 3
