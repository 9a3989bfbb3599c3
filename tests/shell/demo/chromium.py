"""A real browser, driven as a person drives one: keys, a window's width, and what the system prefers.

It speaks the Chrome DevTools Protocol over a web socket. What a page does is observed in the page itself.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

SECONDS = 60
FLAGS = [
    "--headless",
    "--no-sandbox",  # CI runs as root; the only page that is opened is our own
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--log-level=3",  # nobody reads on after the first lines
    "--remote-debugging-port=0",
]
# Name -> code of the key, and the text that it types.
KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    " ": (32, " "),
    "End": (35, ""),
    "Home": (36, ""),
}
SHIFT = 8


@contextmanager
def running(profile: Path) -> Iterator[str]:
    """Run a browser with a profile of its own, and yield the address that it is driven at."""
    command = ["chromium", *FLAGS, f"--user-data-dir={profile}"]
    environment = {**os.environ, "HOME": str(profile)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            yield next(line.split()[-1] for line in process.stderr if "DevTools listening on" in line)
        finally:
            process.kill()


class Page:
    """One tab. `send` is a command of the protocol; the rest is what people do and see."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._session: dict[str, str] = {}

    async def send(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command, and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params, **self._session})
        async with asyncio.timeout(SECONDS):
            while (answer := await self._socket.receive_json()).get("id") != number:
                pass
        assert "error" not in answer, answer["error"]
        result: dict[str, Any] = answer["result"]
        return result

    async def attach(self) -> None:
        """Open a tab, and speak to it from now on."""
        target = await self.send("Target.createTarget", url="about:blank")
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    async def look(self, *, width: int, height: int, dark: bool) -> None:
        """Use a window of this size, on a system that prefers less motion."""
        scale = {"deviceScaleFactor": 1, "mobile": width < 500}
        await self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, **scale)
        preferences = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in preferences.items()]
        await self.send("Emulation.setEmulatedMedia", features=features)

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, awaited where it is a promise."""
        answer = await self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait for a condition, looking whenever the page is about to be drawn."""
        look = f"() => Boolean({condition})"
        await self.evaluate(
            f"new Promise((seen) => {{ const look = {look};"
            "const again = () => (look() ? seen() : requestAnimationFrame(again)); again(); })"
        )

    async def text(self, selector: str) -> str:
        """Return the text that is shown within the first element that the selector finds."""
        return str(await self.evaluate(f"document.querySelector({selector!r}).innerText"))

    async def press(self, *keys: str, shift: bool = False) -> None:
        """Press keys, one after the other."""
        for key in keys:
            code, text = KEYS[key]
            event = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": SHIFT if shift else 0}
            await self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
            await self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    async def focused(self) -> str:
        """Return the accessible text of what has the focus."""
        return str(await self.evaluate("document.activeElement.textContent.trim()"))


@asynccontextmanager
async def tab(
    browser: str, url: str, *, width: int = 1100, height: int = 900, dark: bool = False
) -> AsyncIterator[Page]:
    """Open a page in a new tab."""
    async with ClientSession() as http, http.ws_connect(browser, max_msg_size=0) as socket:
        page = Page(socket)
        await page.attach()
        await page.look(width=width, height=height, dark=dark)
        await page.send("Page.navigate", url=url)
        yield page
        await page.send("Page.close")
