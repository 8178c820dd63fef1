"""The report's page in a real browser: needs Chromium, so `make browser` runs it.

The browser is a process of its own, spoken to over a pipe (Chrome DevTools Protocol, as
chromedevtools.github.io/devtools-protocol describes `--remote-debugging-pipe`: one JSON document,
then a zero byte). Pictures go to the folder that ROOTLET_PICTURES names.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from page_cases import PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Text and its ground, as the browser has computed them, of every element that holds text.
_CONTRASTS = """(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const found = parse(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const own = (one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter((one) => own(one) && !one.closest("style, title, desc"))
    .map((one) => {
      const style = getComputedStyle(one);
      const drawn = one instanceof SVGElement;
      const pair = [light(parse(drawn ? style.fill : style.color)), light(ground(one))];
      const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
      return [one.textContent.slice(0, 40), Math.round(ratio * 100) / 100];
    });
})()"""
_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Browser:
    """Headless Chromium with one page, over two pipes."""

    def __init__(self, profile: Path) -> None:
        program = shutil.which("chromium")
        assert program, "no chromium: apt-get install chromium"
        self._numbers = count(1)
        self.events: list[dict[str, Any]] = []
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        self._process = subprocess.Popen(
            # Chromium reads from descriptor 3 and writes to 4.
            [
                *("bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "-", program),
                *("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
                *("--no-first-run", "--disable-background-networking"),
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._rest = b""
        self._session = ""

    def __enter__(self) -> Self:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._write)  # without its pipe it ends
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and return its result."""
        number = next(self._numbers)
        order: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            order["sessionId"] = self._session
        os.write(self._write, json.dumps(order).encode() + b"\0")
        return self._until(lambda one: one.get("id") == number)["result"]  # type: ignore[no-any-return]

    def open(self, page: str, scheme: str, width: int) -> None:
        """Open a page of HTML in a colour scheme and a width, and wait until it is there."""
        self.events.clear()
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Page.navigate", url=page)
        self._until(lambda one: one.get("method") == "Page.loadEventFired")

    def ask(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return found["result"]["value"]

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page where the environment says so."""
        folder = os.environ.get("ROOTLET_PICTURES")
        if folder:
            found = self.call("Page.captureScreenshot", captureBeyondViewport=True)
            Path(folder, f"{name}.png").write_bytes(base64.b64decode(found["data"]))

    def _until(self, wanted: Any) -> dict[str, Any]:
        while True:
            one = self._next()
            if wanted(one):
                assert "error" not in one, one
                return one
            self.events.append(one)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._read, 1 << 16)
            assert data, "the browser has ended"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_readable_and_fits(
    browser: Browser, tmp_path: Path, name: str, scheme: str, width: int
) -> None:
    file = tmp_path / "report.html"
    file.write_text(PAGES[name]())
    browser.open(file.as_uri(), scheme, width)
    contrasts = browser.ask(_CONTRASTS)
    assert len(contrasts) > 50
    assert [one for one in contrasts if one[1] < 4.5] == []
    assert not browser.ask(_WIDE)
    browser.picture(f"{name}-{scheme}-{width}")
    told = {one.get("method"): one for one in browser.events}
    assert not told.keys() & {"Runtime.consoleAPICalled", "Runtime.exceptionThrown"}
    assert "Log.entryAdded" not in told, told["Log.entryAdded"]
    asked = [
        one["params"]["request"]["url"]
        for one in browser.events
        if one.get("method") == "Network.requestWillBeSent"
    ]
    assert asked == [file.as_uri()]


@pytest.mark.parametrize("name", PAGES)
def test_paper_gets_light_colours_and_no_links(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(PAGES[name]())
    browser.open(file.as_uri(), "dark", 1200)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    paper = base64.b64decode(browser.call("Page.printToPDF")["data"])
    assert paper.startswith(b"%PDF-")
    browser.picture(f"{name}-paper")
    browser.call("Emulation.setEmulatedMedia", media="")
