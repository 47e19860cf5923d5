"""Text of others on its way to a log or a terminal: no character of it can steer anything."""

import contextlib
import io
import json
import logging
import subprocess
import sys
import unicodedata
from pathlib import Path

import structlog
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from gateway_agent.logs import event_line
from hearthwatch.base.logs import PlainFormatter, plain_values
from hearthwatch.base.printing import print_json, print_tables, print_text
from tests.ingest.harness import Gateway
from tests.servers import MosquittoBroker, wait_until
from wire.plain_text import printable, printable_json, printable_lines

HEARTHWATCH = [sys.executable, "-m", "hearthwatch"]
STEERING = "\x1b]0;mine\x07\x1b[2J\x9b31m\u202eevil\u2066\u2028\x7f"
texts = st.text(
    st.one_of(st.characters(), st.sampled_from([*list(STEERING), "\n", "\r", "[", "]", "/"])),
)


def steering(text: str) -> set[str]:
    """The characters of `text` that a terminal or a reader of lines acts on."""
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return {character for character in text if unicodedata.category(character) in kinds}


@given(texts)
def test_a_line_holds_no_character_that_steers(text: str) -> None:
    assert steering(printable(text)) == set()
    assert steering(printable_lines(text)) <= {"\n"}
    assert text.isprintable() is (printable(text) == text) or "\u3000" in text


@given(st.dictionaries(texts, texts))
def test_json_stays_the_same_document(document: dict[str, str]) -> None:
    line = printable_json(document)
    assert steering(line) == set()
    assert json.loads(line) == document


@given(texts)
def test_a_log_line_has_its_own_end_and_no_other(text: str) -> None:
    event = plain_values(None, "", {"event": text, "reason": text, "topics": [text], "n": 3})
    rendered = structlog.processors.LogfmtRenderer(key_order=["event"])(None, "", event)
    assert steering(str(rendered)) == set()
    assert event["n"] == 3
    record = logging.LogRecord("x", logging.WARNING, "", 0, "refused %s", (text,), None)
    assert steering(PlainFormatter("%(message)s").format(record)) == set()
    assert steering(event_line("refused", {"reason": text})) == set()


@given(texts)
def test_a_traceback_cannot_pass_for_a_line_of_the_log(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    first, *rest = PlainFormatter("%(message)s").format(record).split("\n")
    assert first == "failed"
    assert all(line.startswith("  ") and steering(line) == set() for line in rest)


@given(texts)
def test_tables_and_text_reach_the_terminal_as_they_are_written(text: str) -> None:
    table = Table(text, title=text)
    table.add_row(text)
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        print_tables(table, text)
        print_text(text)
        print_json({"text": text})
    assert steering(shown.getvalue()) <= {"\n"}


def test_brackets_in_a_text_are_no_markup() -> None:
    table = Table("name")
    table.add_row("[bold red]dispatch[/] :warning:")
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        print_tables(table)
    assert "[bold red]dispatch[/] :warning:" in shown.getvalue()


def test_a_gateway_cannot_steer_whoever_reads_logs_or_watches(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    config = tmp_path / "server.toml"
    config.write_text(f'[mqtt]\nurl = "{mosquitto_broker.url}"\n')
    reading = {"device": "pump-1", "at": 1, "state": "heating", "values": {}, "bad": []} | {
        "faults": [f"high_pressure:{STEERING}"]
    }
    telemetry = {"v": 1, "epoch": "e", "seq": 1, "sent_at": 1, "interval_s": 30}
    topic = "hw/v1/telemetry/d/t/v/g"
    log, shown = tmp_path / "log", tmp_path / "shown"
    with log.open("wb") as errors, shown.open("wb") as lines:
        running = [
            subprocess.Popen([*HEARTHWATCH, *words], stdout=lines, stderr=errors)
            for words in (
                ["ingest", "run", "--config", config],
                ["watch", "hw/v1/#", "--config", config],
            )
        ]
    try:
        readable = json.dumps({**telemetry, "readings": [reading]}, ensure_ascii=False)
        letters = tmp_path / "dead-letters.jsonl"
        with Gateway(mosquitto_broker.url) as gateway:

            def both_have_seen_it() -> bool:
                for payload in (readable, f"{STEERING} no JSON"):
                    gateway.send(payload.encode(), topic)
                return (
                    "no JSON" in shown.read_text()
                    and letters.exists()
                    and bool(letters.read_text())
                )

            wait_until(both_have_seen_it, 30)
        status = subprocess.run(
            [*HEARTHWATCH, "ingest", "status", "--config", config],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    finally:
        for process in running:
            process.terminate()
            process.wait(20)
    for text in (shown.read_text(), log.read_text(), status.stdout):
        assert steering(text) <= {"\n"}
    assert f"{printable(STEERING)} no JSON" in shown.read_text()
