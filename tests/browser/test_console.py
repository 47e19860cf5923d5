"""What docs/console.md asks of the screens of the control room, seen through a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from desk.accounts.accounts import disable_account
from desk.accounts.scope import Scope
from desk.database.engine import writing
from desk.tickets.actions import ticket_event
from tests.api.serving import MINUTE, Desk
from tests.servers import wait_until
from wire.messages import Reading

Open = Callable[..., Page]
_CJK = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


def village(desk: Desk, units: int = 6) -> list[str]:
    devices = [f"mtg-mt-{number:04d}" for number in range(1, units + 1)]
    for device in devices:
        desk.add_device(device)
    return devices


def step_ticket(desk: Desk, ticket: str, event: str) -> None:
    with writing(desk.database) as session:
        ticket_event(session, Scope("district"), ticket, event, "day.shift", desk.clock())  # type: ignore[arg-type]


def only_ticket(page: Page) -> str:
    return page.locator(".ticket").get_attribute("id") or ""


def ids_on(page: Page) -> list[str]:
    ids: list[str] = page.eval_on_selector_all(".alert, .ticket", "rows => rows.map(row => row.id)")
    return ids


def test_an_alert_appears_by_itself_and_says_its_priority_in_shape_word_and_colour(
    desk: Desk, open_console: Open
) -> None:
    devices = village(desk)
    page = open_console()
    expect(page.locator("#alerts .empty")).to_be_visible()
    for number, (priority, shape, word) in enumerate(
        [("urgent", "▲", "紧急"), ("high", "◆", "高"), ("medium", "■", "中"), ("low", "●", "低")]
    ):
        alert = desk.raise_alert(devices[number], priority=priority, code="fan:E1")  # type: ignore[arg-type]
        row = page.locator(f"#{alert}")
        expect(row.locator(".chip")).to_have_text(f"{shape}{word}")
        expect(row).to_have_css("border-left-width", "4px")
        expect(row.locator(".where")).to_contain_text(devices[number])
        expect(page.locator(f"#count-{priority} b")).to_have_text("1")
    colours = page.eval_on_selector_all(
        ".chip", "chips => chips.map(chip => getComputedStyle(chip).backgroundColor)"
    )
    assert len(set(colours)) == 4
    expect(page.locator("[role=alert] .alert.urgent")).to_have_count(1)
    expect(page.locator("[role=log] .alert")).to_have_count(3)


def test_acknowledging_in_one_tab_shows_in_the_other_with_the_name(
    desk: Desk, open_console: Open
) -> None:
    (device, *_) = village(desk)
    alert = desk.raise_alert(device)
    first, second = open_console(), open_console()
    first.click(f"#ack-{alert}")
    for page in (first, second):
        expect(page.locator(f"#{alert} .owner")).to_contain_text("night.shift")
        expect(page.locator(f"#ack-{alert}")).to_have_count(0)
        expect(page.locator("#count-urgent small")).to_have_text("0 未确认")


def test_what_cleared_before_anybody_took_note_stays_until_somebody_does(
    desk: Desk, open_console: Open
) -> None:
    (device, *_) = village(desk)
    alert = desk.raise_alert(device)
    page = open_console()
    desk.clear_alert(device)
    expect(page.locator(f"#{alert} .cleared")).to_contain_text("已恢复")
    page.click(f"#ack-{alert}")
    expect(page.locator(f"#{alert}")).to_have_count(0)


def test_a_dead_feed_says_so_greys_the_data_and_comes_back_with_every_id_once(
    desk: Desk, open_console: Open
) -> None:
    devices = village(desk)
    before = [desk.raise_alert(device, code="fan:E1") for device in devices[:3]]
    page = open_console()
    desk.stop()
    page.wait_for_selector("body[data-connection=lost]", timeout=5_000)
    expect(page.locator("#lamp")).to_have_text("断线")
    expect(page.locator("main")).to_have_css("filter", "grayscale(1)")
    expect(page.locator(".stale")).to_be_visible()
    meanwhile = [desk.raise_alert(device, code="fan:E1") for device in devices[3:]]
    desk.start()
    page.wait_for_selector("body[data-connection=live]")
    expect(page.locator(".alert")).to_have_count(6)
    desk.raise_alert(devices[0], code="fan:E2")
    expect(page.locator(".alert")).to_have_count(7)
    ids = ids_on(page)
    assert len(ids) == len(set(ids))
    assert set(before + meanwhile) <= set(ids)
    expect(page.locator("main")).to_have_css("filter", "none")


def test_a_feed_that_is_open_but_silent_is_a_dead_feed(desk: Desk, open_console: Open) -> None:
    page = open_console()
    page.evaluate(_RECORD_CONNECTION)
    desk.clock.stopped_at = desk.clock()  # no time passes, so no heartbeat is due
    wait_until(lambda: "lost" in page.evaluate("connectionStates"), 5)
    desk.clock.stopped_at = None
    wait_until(lambda: page.evaluate("connectionStates.at(-1)") == "live")


_RECORD_CONNECTION = """() => {
  window.connectionStates = [];
  const record = () => connectionStates.push(document.body.dataset.connection);
  new MutationObserver(record).observe(document.body, { attributeFilter: ["data-connection"] });
}"""


def test_the_list_is_sorted_and_new_rows_move_neither_focus_nor_scroll(
    desk: Desk, open_console: Open
) -> None:
    devices = village(desk, 40)
    for number, device in enumerate(devices[:30]):
        desk.raise_alert(device, "device_offline", "low", age=(number + 2) * MINUTE)
    page = open_console()
    row = page.locator(".alert").nth(20)
    identifier = row.get_attribute("id")
    page.focus(f"#ack-{identifier}")
    top = row.bounding_box()
    desk.raise_alert(devices[30], "low_room_temperature", "high", age=MINUTE)
    desk.raise_alert(devices[31], "low_room_temperature", "high", age=3 * MINUTE)
    desk.raise_alert(devices[32], priority="urgent", age=MINUTE)
    expect(page.locator(".alert")).to_have_count(33)
    assert page.evaluate("document.activeElement.id") == f"ack-{identifier}"
    after = page.locator(f"#{identifier}").bounding_box()
    assert top is not None
    assert after is not None
    assert abs(after["y"] - top["y"]) < 2
    order = page.eval_on_selector_all(
        ".alert",
        "rows => rows.map(row => [row.dataset.priority,"
        " +row.querySelector('[data-since]').dataset.since])",
    )
    rank = {"urgent": 0, "high": 1, "medium": 2, "low": 3}
    assert [(rank[priority], since) for priority, since in order] == sorted(
        (rank[priority], since) for priority, since in order
    )


def test_the_limits_are_amber_at_four_fifths_and_late_when_passed_by_the_server_s_clock(
    desk: Desk, open_console: Open
) -> None:
    calm, amber, late = village(desk, 3)
    for device, age in ((calm, MINUTE), (amber, 9 * MINUTE), (late, 25 * MINUTE)):
        desk.raise_alert(device, age=age)
    an_hour_ahead = "const now = Date.now; Date.now = () => now() + 3600000;"
    for script in ("", an_hour_ahead):
        page = open_console(script=script)
        for device, level in ((calm, "calm"), (amber, "amber"), (late, "passed")):
            time = page.locator(".alert", has_text=device).locator("[data-due]")
            expect(time).to_have_attribute("data-level", level)
        expect(page.locator(".alert", has_text=late).locator("[data-due]")).to_contain_text(
            "超时 00:15:"
        )


def test_a_ticket_goes_all_the_way_by_keyboard_alone(desk: Desk, open_console: Open) -> None:
    (device, *_) = village(desk)
    desk.raise_alert(device)
    page = open_console()
    ticket = only_ticket(page)
    page.focus(f"#crew-{ticket}")
    page.keyboard.type("zt-crew-1")
    page.keyboard.press("Enter")
    expect(page.locator(f"#step-{ticket}")).to_have_text("到场")
    desk.clear_alert(device)
    for word in ("到场", "修复", "回访", "结案"):
        button = page.locator(f"#step-{ticket}")
        expect(button).to_have_text(word)
        button.focus()
        page.keyboard.press("Enter")
    expect(page.locator(".ticket")).to_have_count(0)


def test_closing_while_the_alert_goes_on_asks_for_a_reason(desk: Desk, open_console: Open) -> None:
    (device, *_) = village(desk)
    alert = desk.raise_alert(device)
    page = open_console()
    ticket = only_ticket(page)
    for event in ("dispatch", "arrive", "repair", "verify"):
        step_ticket(desk, ticket, event)
    expect(page.locator(f"#step-{ticket}")).to_have_text("结案")
    page.click(f"#step-{ticket}")
    expect(page.locator("#notice p")).to_contain_text("报警仍在活动")
    page.fill(f"#why-{ticket}", "住户外出")
    page.keyboard.press("Enter")
    expect(page.locator(".ticket")).to_have_count(0)
    expect(page.locator(f"#{alert} .marks")).to_contain_text("停用至")


def test_what_cleared_before_dispatch_offers_to_close(desk: Desk, open_console: Open) -> None:
    (device, *_) = village(desk)
    desk.raise_alert(device)
    page = open_console()
    ticket = only_ticket(page)
    desk.clear_alert(device)
    expect(page.locator(f"#{ticket} .bottom")).to_contain_text("建议结案")
    page.click(f"#step-{ticket}")
    expect(page.locator(".ticket")).to_have_count(0)


def test_a_step_that_somebody_else_took_first_is_explained(desk: Desk, open_console: Open) -> None:
    (device, *_) = village(desk)
    desk.raise_alert(device)
    page = open_console()
    ticket = only_ticket(page)
    page.route("**/console/board", lambda route: route.abort())
    step_ticket(desk, ticket, "dispatch")
    page.click(f"#step-{ticket}")
    expect(page.locator("#notice")).to_contain_text("工单刚被别人更新")
    assert re.search("[A-Za-z]", page.locator("#notice").inner_text()) is None


def test_typing_survives_the_news(desk: Desk, open_console: Open) -> None:
    devices = village(desk)
    desk.raise_alert(devices[0])
    page = open_console()
    crew = f"#crew-{only_ticket(page)}"
    page.focus(crew)
    page.keyboard.type("zt-cr")
    desk.raise_alert(devices[1])
    expect(page.locator(".alert")).to_have_count(2)
    page.keyboard.type("ew-1")
    expect(page.locator(crew)).to_have_value("zt-crew-1")


def day_of_readings(desk: Desk, device: str, gap: range = range(0)) -> None:
    end = desk.clock() // MINUTE * MINUTE
    rows = [
        Reading(
            device,
            end - number * MINUTE,
            "heating",
            [],
            {
                "supply_c": 41.0,
                "return_c": 36.0,
                "room_c": 19.5,
                "outdoor_c": -9.0,
                "power_w": 2300.0,
            },
        )
        for number in range(1439, -1, -1)
        if number not in gap
    ]
    desk.add_readings(device, rows)


def test_a_day_of_1440_points_is_drawn_and_a_gap_stays_a_gap(
    desk: Desk, open_console: Open
) -> None:
    device = village(desk)[0]
    day_of_readings(desk, device, gap=range(600, 660))
    desk.raise_alert(device)
    page = open_console()
    page.click(f".alert a:text-is('{device}')")
    plot = page.locator(f"#plot-{device}")
    # One more where a minute has begun since the readings were made.
    expect(plot).to_have_attribute("data-drawn", re.compile(r"^14(39|40)$"))
    expect(plot).to_have_attribute("data-gaps", re.compile(r"^6[01]$"))
    expect(plot.locator("canvas")).to_be_visible()
    for name in ("供水", "回水", "室温", "室外", "功率"):
        expect(plot.locator(".u-legend")).to_contain_text(name)
    expect(page).to_have_url(re.compile(f"device={device}$"))
    expect(page.locator("#device dl")).to_contain_text("°C")


def test_a_device_is_found_by_its_id_or_said_to_be_unknown(desk: Desk, open_console: Open) -> None:
    device = village(desk)[0]
    page = open_console()
    page.fill("#find-device", device)
    page.keyboard.press("Enter")
    expect(page.locator("#device-title")).to_contain_text(device)
    expect(page.locator(".plot p")).to_have_text("这段时间没有数据。")
    page.fill("#find-device", "mtg-nowhere")
    page.keyboard.press("Enter")
    expect(page.locator("#device .empty")).to_contain_text("mtg-nowhere")


def test_both_languages_are_whole(desk: Desk, open_console: Open) -> None:
    devices = village(desk)
    desk.raise_alert(devices[0], "low_room_temperature", "high", value=16.4, limit=18.0, unit="c")
    desk.raise_alert(devices[1], "device_offline", "low")
    desk.clear_alert(devices[1], "device_offline")
    page = open_console(f"/?device={devices[0]}")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    expect(page.locator("#alerts")).to_contain_text("室温低于 18 °C")
    page.click(".language a[lang=en]")
    page.wait_for_selector("html[lang=en] body[data-connection=live]")
    expect(page.locator("#device-title")).to_contain_text(devices[0])
    expect(page.locator("#alerts")).to_contain_text("Room below 18 °C")
    shown = page.evaluate("document.body.innerText").replace("中文", "")
    assert _CJK.findall(shown) == []
    named = page.eval_on_selector_all(
        "[aria-label], [title], [placeholder]",
        "all => all.map(e => [e.ariaLabel, e.title, e.placeholder].join(' '))",
    )
    assert _CJK.findall(" ".join(named)) == []


def test_the_own_password_is_behind_the_own_name_on_a_telephone_too(open_console: Open) -> None:
    page = open_console(width=390, height=844)
    page.click("header a.who")
    expect(page.locator("#old")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_no_request_leaves_the_machine(desk: Desk, open_console: Open, requests: list[str]) -> None:
    device = village(desk)[0]
    desk.raise_alert(device)
    page = open_console(f"/?device={device}")
    page.wait_for_selector("[data-drawn]")
    assert len(requests) > 8
    assert [url for url in requests if not url.startswith(f"{desk.url}/")] == []


def test_a_phone_of_360_px_scrolls_only_down_and_has_targets_for_a_thumb(
    desk: Desk, open_console: Open
) -> None:
    devices = village(desk)
    desk.raise_alert(devices[0], value=16.4, limit=18.0, unit="c")
    day_of_readings(desk, devices[0])
    for language in ("zh", "en"):
        page = open_console(f"/?device={devices[0]}", language, 360, 740)
        page.wait_for_selector("[data-drawn]")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        small = page.eval_on_selector_all(
            "button, input:not([type=hidden]), .language a",
            "all => all.filter(e => e.checkVisibility() && e.offsetHeight < 44)"
            ".map(e => e.outerHTML)",
        )
        assert small == []


def test_an_account_that_ends_is_led_to_the_login(desk: Desk, open_console: Open) -> None:
    page = open_console()
    disable_account(desk.database, "night.shift")
    expect(page).to_have_url(f"{desk.url}/login")


def test_text_stands_out_from_its_ground(desk: Desk, open_console: Open) -> None:
    """WCAG 2.1 AA, 1.4.3: 4.5 to 1 for every text on the page."""
    devices = village(desk)
    for number, priority in enumerate(("urgent", "high", "medium", "low")):
        desk.raise_alert(devices[number], priority=priority, age=(number * 8 + 1) * MINUTE)  # type: ignore[arg-type]
    page = open_console(f"/?device={devices[0]}")
    page.click("#alerts .low button")
    expect(page.locator("#alerts .low .by")).to_be_visible()
    page.wait_for_selector("[data-level=passed]")
    assert page.evaluate(_LOW_CONTRAST) == []


_LOW_CONTRAST = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) =>
    0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter((e) => e.checkVisibility()
      && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .map((e) => {
      const [a, b] = [light(channels(getComputedStyle(e).color)), light(ground(e))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className, e.textContent];
    })
    .filter(([ratio, , text]) => ratio < 4.5 && !/^[▲◆■●]$/.test(text.trim()));
}"""


@pytest.mark.fault("11.B5")
def test_a_page_goes_on_after_the_database_was_put_back_from_a_backup(
    desk: Desk, open_console: Open
) -> None:
    (device, *_) = village(desk)
    desk.add_feed_event({"number": 0})
    for number in range(3):
        desk.raise_alert(device, code=f"other:E{number}")
    page = open_console()
    desk.raise_alert(device, code="other:E3")
    expect(page.locator(".alert")).to_have_count(4)
    desk.stop()
    with writing(desk.database) as session:
        session.execute(text("DELETE FROM feed_event"))
        session.execute(text("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'feed_event'"))
    desk.start()
    expect(page.locator("body")).to_have_attribute("data-connection", "live")
    alert = desk.raise_alert(device, code="other:E4")
    expect(page.locator(f"#{alert}")).to_be_visible()
