"""A desk and a real Chromium that looks at it; every request of the browser is recorded."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from console import assets
from desk.accounts.accounts import add_account
from tests.api.serving import Desk

PASSWORD = "correct horse"

# Nothing of Chromium's own may go out, so that every request there is belongs to the page.
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)


@pytest.fixture(scope="session", autouse=True)
def _installed_assets() -> None:
    if assets.missing():
        assets.install()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for one file of tests.

    Playwright's synchronous side keeps an event loop running in this thread for as long as it is
    open: no other test of the process could start its own, or call `asyncio.run`.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(_QUIET))
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    add_account(desk.database, "night.shift", PASSWORD, "district", "mentougou")
    desk.start()
    try:
        yield desk
    finally:
        desk.close()


@pytest.fixture
def requests() -> list[str]:
    """The URL of every request that a page of this test made."""
    return []


@pytest.fixture
def mistakes() -> list[str]:
    """What pages of this test complained about: uncaught errors and refusals of the content
    policy."""
    return []


@pytest.fixture
def open_console(
    browser: Browser, desk: Desk, requests: list[str], mistakes: list[str]
) -> Iterator[Callable[..., Page]]:
    """Log in and open the page: `open_console(path="/", language="zh", width=1440, height=900,
    script="")`."""
    contexts: list[BrowserContext] = []

    def open_console(
        path: str = "/",
        language: str = "zh",
        width: int = 1440,
        height: int = 900,
        script: str = "",
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(10_000)
        contexts.append(context)
        context.add_init_script(script)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.on(
            "console",
            lambda line: mistakes.append(line.text) if "Content Security" in line.text else None,
        )
        page.goto(f"{desk.url}/language/{language}")
        page.fill("#name", "night.shift")
        page.fill("#password", PASSWORD)
        page.click("button.primary")
        page.goto(desk.url + path)
        page.wait_for_selector("body[data-connection=live]")
        return page

    yield open_console
    for context in contexts:
        context.close()
    assert mistakes == []
