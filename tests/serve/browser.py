"""A browser at a gateway's page, and all that must never happen there."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page
from starlette.types import ASGIApp

CHROMIUM = "/usr/bin/chromium"
"""Debian's."""
ARGUMENTS = ("--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
"""Root may not have a sandbox; the microphone is one that beeps."""


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The app's URL on a free port; it stops when nobody needs it any more."""
    config = uvicorn.Config(app, lifespan="off", log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # It listens from here on, so nobody needs to wait for the thread.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class Visit:
    """One page, and what it did."""

    page: Page
    url: str
    expected: set[int] = field(default_factory=set)
    """Statuses that the browser may complain of."""
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def _heard(self, message: ConsoleMessage) -> None:
        known = any(f"the server responded with a status of {status}" in message.text for status in self.expected)
        if message.type in ("error", "warning") and not known:
            self.complaints.append(message.text)

    def check(self) -> None:
        """No error, nothing that the page's policy forbids, and nobody else was asked for anything."""
        assert self.complaints == []
        here = (self.url + "/", f"blob:{self.url}/", "data:")
        assert [url for url in self.requests if not url.startswith(here)] == []


@contextmanager
def visited(browser: Browser, app: ASGIApp, width: int = 1280) -> Iterator[Visit]:
    """The page of an app, in a window of this width, checked when it is left."""
    with served(app) as url, browser.new_context(viewport={"width": width, "height": 800}) as context:
        context.set_default_timeout(10_000)
        visit = Visit(context.new_page(), url)
        visit.page.goto(url)
        yield visit
        visit.check()


CONTRAST = """() => {
    // WCAG 2.2, 1.4.3: all text that is shown and not disabled, with a contrast below 4.5.
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => numbers(colour).slice(0, 3).map(value => value / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = node => {
        const colour = getComputedStyle(node).backgroundColor;
        return numbers(colour)[3] === 0 && node.parentElement ? ground(node.parentElement) : colour;
    };
    const poor = node => {
        const [low, high] = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05) < 4.5;
    };
    const worded = node => [...node.childNodes].some(one => one.nodeType === 3 && one.data.trim());
    return [...document.querySelectorAll("body *")]
        .filter(node => worded(node) && node.checkVisibility() && !node.disabled && poor(node))
        .map(node => node.textContent);
}"""
