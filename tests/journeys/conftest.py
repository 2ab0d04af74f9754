"""A real browser for the journeys, and an eye on what its pages do."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import browser as chromium

# Nothing that the browser does for itself may look like something that a page did.
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-features=Translate,OptimizationHints,MediaRouter,AutofillServerCommunication",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--force-color-profile=srgb",
]
IN_PAGE = ("data:", "blob:", "about:", "chrome-error:")


def pytest_collection_modifyitems(items) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@dataclass
class Seen:
    """What a page did while it was open."""

    console: list[str] = field(default_factory=list)  # warnings and errors
    errors: list[str] = field(default_factory=list)  # uncaught exceptions
    failed: list[str] = field(default_factory=list)  # requests without an answer
    statuses: list[str] = field(default_factory=list)  # answers of 400 and above
    foreign: list[str] = field(default_factory=list)  # requests to other hosts

    @property
    def violations(self) -> list[str]:
        return [line for line in self.console if "Content Security Policy" in line]


@pytest.fixture(scope="session")
def browser() -> Browser:
    """One Chromium for the session. Without one the journeys are skipped; under CI=true that is a failure."""
    path = chromium.find()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(chromium.MISSING, pytrace=False)
        pytest.skip(chromium.MISSING)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


def _watch(page: Page, host: str) -> Seen:
    seen = Seen()

    def on_console(message) -> None:
        if message.type in ("warning", "error"):
            seen.console.append(f"{message.type}: {message.text} ({page.url})")

    def on_request(request) -> None:
        if not request.url.startswith(IN_PAGE) and urlsplit(request.url).netloc != host:
            seen.foreign.append(f"{request.method} {request.url}")

    def on_failed(request) -> None:
        # leaving a page drops what was still on its way
        if "ERR_ABORTED" not in (request.failure or ""):
            seen.failed.append(f"{request.method} {request.url}: {request.failure}")

    def on_response(response) -> None:
        if response.status >= 400:
            seen.statuses.append(f"{response.status} {response.request.method} {response.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: seen.errors.append(f"{error} ({page.url})"))
    page.on("request", on_request)
    page.on("requestfailed", on_failed)
    page.on("response", on_response)
    return seen


@pytest.fixture
def page(browser, live_server) -> Callable[..., Page]:
    """Makes pages, each in a context of its own: `page(viewport={…}, java_script_enabled=False, …)`.

    Addresses are relative to the live server. `page(...).seen` tells what happened in it. Whatever a journey
    looks at itself, at its end no page may have asked another host, broken the content security policy or
    thrown an exception.
    """
    host = urlsplit(live_server.url).netloc
    opened: list[tuple[BrowserContext, Seen]] = []

    def make(**options) -> Page:
        context = browser.new_context(
            **{
                "base_url": live_server.url,
                "viewport": {"width": 1366, "height": 768},
                "locale": "zh-CN",
                "timezone_id": "Asia/Shanghai",
                "reduced_motion": "reduce",
                **options,
            }
        )
        context.set_default_timeout(30_000)
        made = context.new_page()
        made.seen = _watch(made, host)
        opened.append((context, made.seen))
        return made

    yield make
    for context, _ in opened:
        context.close()
    trouble = [line for _, seen in opened for line in seen.foreign + seen.violations + seen.errors]
    assert not trouble, "\n".join(trouble)


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """Runs axe on a page; returns what is serious or critical, one line each."""
    from axe_playwright_python.sync_playwright import Axe

    def check(page: Page) -> list[str]:
        found = Axe().run(page).response["violations"]
        return [
            f"{rule['id']}: {rule['help']} — {', '.join(str(node['target']) for node in rule['nodes'][:5])}"
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]

    return check
