"""A real Chromium, driven over its debugging pipe: pages are opened from disk, keys are pressed, nothing is faked.

The protocol is Chrome's own (https://chromedevtools.github.io/devtools-protocol/): JSON messages that end with a NUL,
in at file descriptor 3 and out at 4.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb", "--disable-features=Translate",
)  # fmt: skip
PATIENCE = 30.0
"""Seconds until what a test waits for is given up."""
KEYS = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "Tab": 9, "/": 191}


def chromium() -> str | None:
    """The browser's program; None when there is none on this machine."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One running browser. Messages go out numbered; what it says unasked is kept per page until somebody looks."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self._process, self._to, self._back = process, to, back
        self._number = 0
        self._rest = b""
        self.said: list[dict[str, Any]] = []
        """Events, in the order they came."""

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Sends a command and waits for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self.said.append(answer)
        raise TimeoutError(f"{method}: no answer")

    def _messages(self) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            message, found, rest = self._rest.partition(b"\0")
            if found:
                self._rest = rest
                yield json.loads(message)
                continue
            if select.select([self._back], [], [], 0.5)[0]:
                piece = os.read(self._back, 1 << 20)
                if not piece:
                    raise ConnectionError(f"the browser ended with {self._process.poll()}")
                self._rest += piece

    @contextmanager
    def page(self, path: Path, *, width: int = 1280, height: int = 900, scheme: str = "light") -> Iterator[Page]:
        """The page that a file holds, opened from disk in a window of this size."""
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            page.ask(f"{domain}.enable")
        page.look(width=width, height=height, scheme=scheme)
        try:
            page.ask("Page.navigate", url=path.resolve().as_uri())
            page.wait("document.readyState === 'complete'")
            yield page
        finally:
            self.ask("Target.disposeBrowserContext", browserContextId=context)
            self.said = [event for event in self.said if event.get("sessionId") != session]


class Page:
    """One page of the browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a command to this page."""
        return self._browser.ask(method, self._session, **params)

    def look(self, *, width: int = 1280, height: int = 900, scheme: str = "light", media: str = "") -> None:
        """Sets the window's size, the system's colours, and `print` as the medium where that is asked for."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[feature])

    def js(self, expression: str) -> Any:
        """The value of an expression in the page; promises are awaited."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression: str) -> Any:
        """The first true value of an expression."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if value := self.js(expression):
                return value
            time.sleep(0.02)
        raise TimeoutError(f"never true: {expression}")

    def texts(self, selector: str) -> list[str]:
        """What the elements that are seen say."""
        seen = f"[...document.querySelectorAll({json.dumps(selector)})].filter(each => each.checkVisibility())"
        text = (
            "(each.innerText || each.textContent).trim()"  # what was put off until it is scrolled to has no innerText
        )
        found: list[str] = self.js(f"{seen}.map(each => {text})")
        return found

    def press(self, *keys: str) -> None:
        """Presses keys one after the other, as a person does."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = KEYS.get(key, ord(key[0].upper()))
            about = {"key": key, "windowsVirtualKeyCode": code}
            self.ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **about)
            self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def click(self, selector: str) -> None:
        """Clicks where the element is, not on the element: what lies over it would be hit instead."""
        each = f"document.querySelector({json.dumps(selector)})"
        self.js(f"{each}.scrollIntoView({{block: 'center'}})")
        x, y = self.js(f"(box => [box.x + box.width / 2, box.y + box.height / 2])({each}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Writes what is seen to a PNG; `whole` takes in what is below the window."""
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def events(self, *methods: str) -> list[dict[str, Any]]:
        """The parameters of what the browser said of this page under these names."""
        self.js("0")  # what was said before this is in
        mine = [each for each in self._browser.said if each.get("sessionId") == self._session]
        return [each["params"] for each in mine if each["method"] in methods]

    @property
    def complaints(self) -> list[Any]:
        """Everything on the console, exceptions and what breaks the page's policy."""
        issues = [event for event in self.events("Audits.issueAdded") if event["issue"]["code"] != "GenericIssue"]
        return issues + self.events("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")

    @property
    def requests(self) -> list[str]:
        """What was asked for beside the page itself."""
        urls = [str(event["request"]["url"]) for event in self.events("Network.requestWillBeSent")]
        return [url for url in urls[1:] if not url.startswith("data:")]


@contextmanager
def running(program: str, folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in `folder`."""
    theirs_in, to = os.pipe()
    back, theirs_out = os.pipe()
    at_their_places = ["bash", "-c", f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}', program]
    process = subprocess.Popen(
        [*at_their_places, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
        pass_fds=(theirs_in, theirs_out),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    os.close(theirs_in)
    os.close(theirs_out)
    browser = Browser(process, to, back)
    try:
        yield browser
        browser.ask("Browser.close")
    finally:
        os.close(to)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(back)
