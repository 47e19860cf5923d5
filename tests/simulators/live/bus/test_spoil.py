import pytest

from simulators.live.bus.frames import (
    Request,
    SlaveFraming,
    SlaveSerialFraming,
    SlaveTcpFraming,
    checksum,
)
from simulators.live.bus.spoil import LATE_S, SPOILERS, THINKS_S, Reply, SentReply, Spoiler

REQUEST = Request(1, bytes.fromhex("03002a0001"), 7)
MESSAGE = bytes.fromhex("0302002a")
BEFORE = bytes.fromhex("0103020001")


def reply(framing: SlaveFraming) -> Reply:
    return Reply(REQUEST, MESSAGE, framing, BEFORE)


def spoilt(name: str, framing: SlaveFraming) -> set[SentReply]:
    spoiler = Spoiler({name: 1.0}, 9)
    return {spoiler.send(reply(framing)) for _ in range(50)}


@pytest.mark.parametrize("name", SPOILERS)
def test_each_quirk_strikes_a_seeded_share_and_spoils_what_it_says(name: str) -> None:
    honest = SlaveSerialFraming().frame(REQUEST, MESSAGE)
    spoilers = Spoiler({name: 0.05}, 9), Spoiler({name: 0.05}, 9)
    sent = [
        [spoiler.send(reply(SlaveSerialFraming())) for _ in range(2_000)] for spoiler in spoilers
    ]
    assert sent[0] == sent[1]
    struck = [one for one in sent[0] if one.reading != "certain"]
    assert 60 <= len(struck) <= 140
    assert all(one.frame != honest or one.delay_s > 0 for one in struck)
    assert all(
        one.frame == honest and one.delay_s == 0 for one in sent[0] if one.reading == "certain"
    )


def test_what_stands_on_the_wire() -> None:
    honest = SlaveSerialFraming().frame(REQUEST, MESSAGE)

    def frames(name: str) -> set[bytes]:
        return {sent.ahead + sent.frame for sent in spoilt(name, SlaveSerialFraming())}

    assert spoilt("late", SlaveSerialFraming()) == {SentReply(honest, LATE_S, "doubtful")}
    assert frames("short") == {honest[:3]}
    assert frames("lost") == {b""}
    assert all(checksum(frame[:-2]) != frame[-2:] for frame in frames("crc"))
    assert all(frame[1:] == honest for frame in frames("noise"))
    assert frames("wrong_device") == {SlaveSerialFraming().frame(Request(2, b""), MESSAGE)}
    assert frames("wrong_function") == {SlaveSerialFraming().frame(REQUEST, b"\x04" + MESSAGE[1:])}
    assert frames("echo") == {SlaveSerialFraming().frame(REQUEST, REQUEST.message) + honest}
    for name in ("noise", "echo"):
        slow = spoilt(name, SlaveSerialFraming())
        assert {(sent.frame, sent.delay_s) for sent in slow} == {(honest, THINKS_S)}
    assert frames("mixed_streams") == {BEFORE + honest}


def test_a_second_master_speaks_before_or_at_the_same_time() -> None:
    honest = SlaveSerialFraming().frame(REQUEST, MESSAGE)
    sent = {one.reading: one.frame for one in spoilt("second_master", SlaveSerialFraming())}
    assert sent["doubtful"].endswith(honest)
    assert sent["doubtful"].startswith(
        SlaveSerialFraming().frame(REQUEST, bytes.fromhex("0300000002"))
    )
    assert len(sent["none"]) == len(honest)
    assert checksum(sent["none"][:-2]) != sent["none"][-2:]


@pytest.mark.parametrize("name", SPOILERS)
def test_a_modbus_tcp_gateway_never_passes_on_what_is_spoilt_on_its_wire(name: str) -> None:
    honest = SlaveTcpFraming().frame(REQUEST, MESSAGE)
    frames = {sent.frame for sent in spoilt(name, SlaveTcpFraming())}
    assert frames == {"late": {honest}, "mixed_streams": {BEFORE + honest}}.get(name, {b""})
