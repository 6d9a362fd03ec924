"""A headless Chromium, led through its DevTools protocol; it speaks to this machine alone."""

import base64
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE = 30.0  # s until a page shows what it should


class Browser:
    """A Chromium with an empty profile in `folder`.

    Raises:
        RuntimeError: there is none, or it does not start.
    """

    def __init__(self, folder: Path) -> None:
        found = next(filter(None, map(shutil.which, NAMES)), None)
        if found is None:
            raise RuntimeError("no chromium on the PATH; `make test-pages` says how to get one")
        with (folder / "chromium.log").open("w") as log:
            command = [found, *FLAGS, f"--user-data-dir={folder}/profile", "about:blank"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        port = folder / "profile" / "DevToolsActivePort"
        try:
            _wait(lambda: port.is_file() and port.read_text().count("\n"), "chromium's port")
        except AssertionError as error:
            self.close()
            raise RuntimeError((folder / "chromium.log").read_text()) from error
        self._address = f"http://127.0.0.1:{port.read_text().splitlines()[0]}"

    def open(self, url: str, width: int, height: int) -> "Page":
        """A page in a tab of its own, of that many pixels."""
        request = urllib.request.Request(f"{self._address}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            page = Page(json.load(answer)["webSocketDebuggerUrl"])
        page.resize(width, height)
        page.go(url)
        return page

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


class Page:
    """A tab.

    Attributes:
        failures: requests that were refused, and errors that no script caught.
    """

    def __init__(self, address: str) -> None:
        # Chromium refuses a client that names an origin.
        self._socket = websocket.create_connection(address, suppress_origin=True, timeout=PATIENCE)
        self._count = itertools.count(1)
        self.failures: list[str] = []
        for domain in ("Page", "Network", "Runtime"):
            self._send(f"{domain}.enable")

    def go(self, url: str) -> None:
        self._send("Page.navigate", url=url)

    def resize(self, width: int, height: int) -> None:
        self._send(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def evaluate(self, script: str) -> Any:
        """The value of an expression of JavaScript, which JSON can hold."""
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise ValueError(f"{script}\n{answer['exceptionDetails']['exception']['description']}")
        return answer["result"].get("value")

    def wait(self, script: str) -> None:
        """Until an expression of JavaScript holds, or gives an element."""
        _wait(lambda: self.evaluate(f"!!({script})"), script, self.text)

    def text(self) -> str:
        """What a reader can read."""
        return self.evaluate("document.body ? document.body.innerText : ''")

    def click(self, script: str) -> None:
        """Click with the mouse on the middle of the element that an expression gives."""
        self.wait(script)
        x, y = self.evaluate(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
            f" return [b.x + b.width / 2, b.y + b.height / 2] }})({script})"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press a key, such as `ArrowRight`."""
        code = {"ArrowRight": 39, "ArrowLeft": 37, "Escape": 27}[key]
        for kind in ("rawKeyDown", "keyUp"):
            self._send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
            )

    def picture(self) -> bytes:
        """What is seen, as a PNG."""
        return base64.b64decode(self._send("Page.captureScreenshot", format="png")["data"])

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._count)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self._note(message)

    def _note(self, event: dict[str, Any]) -> None:
        """Remember what went wrong."""
        about = event.get("params", {})
        if event.get("method") == "Network.responseReceived":
            response = about["response"]
            if response["status"] >= 400:
                self.failures.append(f"{response['status']} {response['url']}")
        if event.get("method") == "Runtime.exceptionThrown":
            thrown = about["exceptionDetails"]
            self.failures.append(thrown.get("exception", thrown).get("description", thrown["text"]))


def _wait(condition: Callable[[], Any], what: str, shown: Callable[[], str] = str) -> Any:
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f"{PATIENCE:g} s were not enough for {what}\n{shown()}"
        time.sleep(0.1)
    return value
