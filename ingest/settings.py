"""The `[ingest]` table of server.toml (contract §9, §11)."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, model_validator

from configuration.fields import Duration, FilePath, Identifier, Settings, StatePath

_CLIENT_ID: Final = "hearthwatch-ingest"
_KINDS: Final = ("telemetry", "status", "retired")


class IngestSettings(Settings):
    """The state file of ingest, its session with the broker, and the size of a batch.

    `registered` is a list of devices as CSV (`device,commissioned,gateway`). Readings from
    before the commissioning of their device are refused. Where `gateway` is given (a path, or
    the gateway's id where that is unique), the device belongs to it, whoever else announces it.
    With `registered_only`, devices outside the list are refused, too. `towns` limits ingest to
    some towns: several processes then share a district, each with its own `client_id`, `state`
    and dead letters. `topics` replaces the usual topic filters. A batch is written when it
    holds `batch_readings`, or `batch_wait` after its first message. `metrics` is an address such
    as `127.0.0.1:9101` that serves Prometheus metrics.
    """

    state: Annotated[
        StatePath,
        Field(description="File with the numbers of the messages received.", validate_default=True),
    ] = Path("ingest.db")
    registered: Annotated[
        FilePath | None,
        Field(description="CSV file of the devices: device, commissioned, gateway."),
    ] = None
    registered_only: Annotated[
        bool, Field(description="Refuses every device that the list does not hold.")
    ] = False
    client_id: Annotated[
        str,
        Field(
            description="Name of the session with the broker; each process has its own.",
            pattern=r"^[A-Za-z0-9-]{1,64}$",
            examples=[_CLIENT_ID],
        ),
    ] = _CLIENT_ID
    towns: Annotated[
        Annotated[list[Identifier], Field(min_length=1)] | None,
        Field(description="Towns that this process receives; without them, all towns."),
    ] = None
    topics: Annotated[
        Annotated[list[str], Field(min_length=1)] | None,
        Field(description="Topic filters instead of the usual ones."),
    ] = None
    batch_readings: Annotated[
        int,
        Field(
            description="Readings that a batch holds at most before it is written.",
            ge=1,
            le=100_000,
        ),
    ] = 5_000
    batch_wait: Annotated[
        Duration, Field(description="Time from the first message of a batch until it is written.")
    ] = 200
    metrics: Annotated[
        Annotated[str, Field(pattern=r"^[^:\s]+:\d{1,5}$", examples=["127.0.0.1:9101"])] | None,
        Field(description="Address and TCP port of the metrics page; no page without one."),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> "IngestSettings":
        if self.registered_only and self.registered is None:
            raise ValueError(
                "registered_only needs registered, the CSV file that lists the devices"
            )
        if self.towns is not None and self.topics is not None:
            raise ValueError("towns and topics both choose what to receive; keep one")
        if self.towns is not None and self.client_id == _CLIENT_ID:
            # The broker ends a session when another one of the same name begins.
            raise ValueError("towns needs a client_id of this process's own")
        return self

    def filters(self, root: str) -> list[str]:
        """Return the topic filters to subscribe to, under the topic root `root`.

        They end in `#`: a message with a wrong number of levels must be reported, too.
        """
        if self.topics is not None:
            return self.topics
        if self.towns is not None:
            kinds = [f"{root}/{kind}/+/{town}/#" for kind in _KINDS for town in self.towns]
            return [*kinds, f"{root}/assigned/#"]
        return [f"{root}/{kind}/#" for kind in (*_KINDS, "assigned")]
