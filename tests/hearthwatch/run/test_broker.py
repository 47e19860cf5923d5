"""The embedded broker where its program is not installed."""

from pathlib import Path

import pytest

from hearthwatch.base.errors import UsageError
from hearthwatch.run import broker


def test_a_missing_program_is_a_mistake_of_usage_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(broker.sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="nats-server is not installed; install"):
        broker.broker_command(tmp_path / "broker.conf")
