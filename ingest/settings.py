"""The `[ingest]` table of server.toml (CONTRACT §9, §11)."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from configuration.fields import Duration, FilePath, Settings


class IngestSettings(Settings):
    """How ingest receives: its state file, its session with the broker, and the size of a batch.

    `registered_only` lets the ledger decide which devices exist, instead of the gateways' births. `topics` narrows
    the subscriptions, so that several instances (each with its own `client_id` and `state`) can share a district.
    A batch is written when it holds `batch_readings`, or `batch_wait` after its first message. `metrics` is an
    address such as `127.0.0.1:9101` to serve Prometheus metrics on.
    """

    state: Annotated[FilePath, Field(validate_default=True)] = Path("ingest.db")
    registered_only: bool = False
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "hearthwatch-ingest"
    topics: list[str] | None = None
    batch_readings: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    batch_wait: Duration = 200
    metrics: Annotated[str, Field(pattern=r"^[^:\s]+:\d{1,5}$")] | None = None
