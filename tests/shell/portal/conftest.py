"""The real service at an address that browsers take for secure, a real provider, and a real browser."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import unused_port

from plugin.shell import telemetry
from plugin.shell.app import running
from plugin.shell.check import prepare
from plugin.shell.wiring import utc_now
from tests.idp_adapters.foreign.provider import ForeignProvider
from tests.shell.demo import chromium
from tests.shell.demo.chromium import Page
from tests.shell.parties import DeviceAuthority
from tests.shell.world import write_configuration

AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
# The virtual authenticator's vendor makes a new certificate for each credential, so no root can vouch for it. So this
# browser tells no vendor at all, as browsers do whose owners keep that to themselves.
TELL_NO_VENDOR = """const create = navigator.credentials.create.bind(navigator.credentials);
navigator.credentials.create = ({publicKey}) => create({publicKey: {...publicKey, attestation: "none"}});"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """Where the page is, and somebody's browser with a device of theirs in it. `issuer` is their provider."""

    url: str
    issuer: str
    page: Page
    browser: str


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chromium.running(tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest_asyncio.fixture
async def portal(tmp_path: Path, browser: str) -> AsyncIterator[Portal]:
    port = unused_port()
    url = f"http://localhost:{port}"
    async with AsyncExitStack() as stack:
        provider = stack.enter_context(ForeignProvider(redirect_uri=f"{url}/enrol/callback"))
        page = await stack.enter_async_context(chromium.tab(browser, "about:blank"))
        await page.send("WebAuthn.enable", enableUI=False)
        await page.send("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
        await page.send("Page.enable")
        await page.send("Page.addScriptToEvaluateOnNewDocument", source=TELL_NO_VENDOR)
        file = write_configuration(
            tmp_path,
            acme=provider.issuer,
            partners="http://127.0.0.1:9",
            authority=DeviceAuthority(),
            enrolment=f"""
[[evidence]]
name = "keys"
format = "webauthn"
unattested = true
[[portal]]
issuer = "{provider.issuer}"
label = "Acme"
client_id = "vestibule"
""",
        )
        text = file.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}", 1)
        file.write_text(text.replace("https://vestibule.example.com", url))
        traces = telemetry.start(None)
        stack.callback(traces.shutdown)
        await stack.enter_async_context(running(prepare(file), telemetry=traces, clock=utc_now))
        yield Portal(url=url, issuer=provider.issuer, page=page, browser=browser)
