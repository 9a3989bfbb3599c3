"""A whole house for tests: the real service on a real port, and everybody around it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aiohttp import ClientSession, TCPConnector, encode_basic_auth

from plugin.core.record import DecisionRecord
from plugin.shell import telemetry
from plugin.shell.app import Service, running
from plugin.shell.check import Checked, prepare
from plugin.shell.gate import Gate
from plugin.shell.registry import device_formats
from plugin.shell.reload import Reloader
from plugin.shell.telemetry import Telemetry
from tests.devices import FORMATS
from tests.fakes import NOON, HandClock
from tests.shell.parties import Device, DeviceAuthority, Issuer

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORD = "pexip-password-of-the-tests"
CALLER_TOKEN = "portal-token-of-the-tests-0123456789"
PROXIED_TOKEN = "token-of-a-portal-behind-a-proxy-0123456789"


@dataclass(slots=True, kw_only=True)
class World:
    """The service and everybody around it. `records` are the decisions in the order in which they were made."""

    session: ClientSession
    url: str
    clock: HandClock
    acme: Issuer
    partners: Issuer
    authority: DeviceAuthority
    folder: Path
    traces: Telemetry
    serving: Service | None
    records: list[DecisionRecord] = field(default_factory=list)

    @property
    def gate(self) -> Gate:
        """The gate of a service that runs in this process."""
        assert self.serving is not None
        return self.serving.gate

    @property
    def reloader(self) -> Reloader:
        """What has that service read its files again."""
        assert self.serving is not None
        return self.serving.reloader

    @property
    def metrics_url(self) -> str:
        """Where that service is scraped."""
        assert self.serving is not None
        return f"http://127.0.0.1:{self.serving.metrics_port}"

    def token(self, subject: str, **claims: object) -> str:
        return self.acme.token(subject, now=self.clock(), **claims)

    async def challenge(self, conference: str) -> dict[str, str]:
        async with self.session.post(f"{self.url}/v1/challenges", json={"conference": conference}) as response:
            assert response.status == 201, await response.text()
            body: dict[str, str] = await response.json()
            return body

    async def proofs(self, conference: str, *, token: str, device: Device | None = None) -> dict[str, object]:
        """Make the proofs of one join: a token, and a device's signature over it where there is a device."""
        proofs: dict[str, object] = {"conference": conference, "id_token": token}
        if device:
            proofs["evidence"] = [device.evidence(await self.challenge(conference), token=token)]
        return proofs

    async def post(
        self, path: str, body: object, *, bearer: str | None = CALLER_TOKEN
    ) -> tuple[int, dict[str, object]]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        async with self.session.post(f"{self.url}{path}", json=body, headers=headers) as response:
            return response.status, await response.json()

    async def join(
        self, proofs: Mapping[str, object], *, address: str = "192.0.2.7", bearer: str = CALLER_TOKEN
    ) -> dict[str, object]:
        """Ask through the generic door, which must answer 200."""
        participant = {"display_name": "A Person", "protocol": "webrtc", "remote_address": address, "vendor": "test"}
        status, body = await self.post("/v1/joins", {**proofs, "participant": participant}, bearer=bearer)
        assert status == 200, body
        return body

    async def ticket(self, proofs: Mapping[str, object]) -> str:
        status, body = await self.post("/v1/tickets", proofs, bearer=None)
        assert status == 201, body
        return str(body["ticket"])

    async def pexip(self, endpoint: str, *, password: str = PASSWORD, **params: str) -> dict[str, object]:
        """Ask as a conferencing node does. The answer must be a 200 with JSON."""
        url = f"{self.url}/policy/v1/{endpoint}"
        async with self.session.get(url, params=params, headers=basic(password)) as response:
            assert response.status == 200
            body: dict[str, object] = await response.json()
            return body

    async def service(self, alias: str, *, ticket: str = "", address: str = "192.0.2.7", **params: str) -> dict:
        """Ask for a room, as the first question of a join."""
        return await self.pexip(
            "service/configuration",
            **{**caller(alias, ticket=ticket, address=address), "call_direction": "dial_in", **params},
        )

    async def participant(
        self, room: Mapping[str, object], *, call: str, kind: str = "standard", ticket: str = "", **params: str
    ) -> dict:
        """Ask about somebody who enters the room of an earlier answer."""
        result = room["result"]
        assert isinstance(result, dict)
        entering = {
            "participant_type": kind,
            "call_uuid": call,
            "participant_uuid": call,
            "service_name": result["name"],
            "service_tag": result["service_tag"],
            "preauthenticated_role": "chair",
        }
        return await self.pexip(
            "participant/properties", **{**caller("board", ticket=ticket, address="192.0.2.7"), **entering, **params}
        )


def basic(password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": encode_basic_auth("pexip", password, encoding="utf-8")}


def caller(alias: str, *, ticket: str, address: str) -> dict[str, str]:
    return {
        "call_direction": "dial_in",
        "protocol": "api",
        "trigger": "web",
        "vendor": "Mozilla/5.0",
        "local_alias": alias,
        "remote_alias": "A Person",
        "remote_display_name": "A Person",
        "remote_address": address,
        "remote_port": "58435",
        "registered": "False",
        "call_tag": ticket,
        "location": "Oslo",
        "node_ip": "192.0.2.1",
        "version_id": "39",
    }


PART = re.compile(r"<(\w+)>")
CONFIG = """
[server]
listen = "127.0.0.1:0"
public_url = "https://vestibule.example.com"
requests_per_minute = <requests_per_minute>
<server>
[store]
url = "sqlite:///state/vestibule.db"
[policy]
bundle = "<bundle>"
house = ["acme"]
[telemetry]
<telemetry>
<metrics>
[[idp]]
adapter = "oidc"
issuer = "{acme}"
audience = ["vestibule"]
algorithms = ["ES256"]
org = "acme"
<idp>
[idp.acr]
"urn:acme:mfa" = 2
"urn:acme:passkey" = 3
[[idp]]
adapter = "oidc"
issuer = "{partners}"
audience = ["vestibule"]
algorithms = ["ES256"]
org = "partners"
[[device_ca]]
name = "acme-devices"
certificates_file = "device-ca.pem"
name_from = "subject_uid"
owner_pattern = "{acme}#{{name}}"
<device_ca>
owners = {{ "partners-laptop" = "{partners}#case" }}
<enrolment>
[[zone]]
name = "core"
<core>
[zone.pexip]
guests_can_present = true
[[zone]]
name = "meetme"
<zone>
[[conference]]
alias = ["board", "board@example.com"]
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
hosts = ["{acme}#bob", "group:chairs"]
invited = ["org:acme"]
[[conference]]
alias = "budget"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
[[conference]]
alias = "summit"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
hosts = ["{acme}#bob"]
invited = ["org:acme", "org:partners"]
[[conference]]
alias = "townhall"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
guests = true
<conferences>
[[caller]]
name = "portal"
token_file = "secrets/portal.token"
addresses_are_callers = true
<caller>
[[caller]]
name = "proxied"
token_file = "secrets/portal-behind-a-proxy.token"
[pexip]
username = "pexip"
password_file = "secrets/pexip"
<pexip>
[[location]]
name = "Oslo"
addresses_are_callers = true
"""


def write_configuration(folder: Path, *, acme: str, partners: str, authority: DeviceAuthority, **parts: str) -> Path:
    """Write a whole configuration with its secrets.

    `parts` fill in what stands in angle brackets; `{acme}` and `{partners}` in them stand for the issuers.
    """
    bundle = REPOSITORY / "deploy" / "policies"
    standard = {**dict.fromkeys(PART.findall(CONFIG), ""), "bundle": str(bundle), "requests_per_minute": "100000"}
    (folder / "secrets").mkdir()
    (folder / "secrets" / "pexip").write_text(PASSWORD + "\n")
    (folder / "secrets" / "portal.token").write_text(CALLER_TOKEN + "\n")
    (folder / "secrets" / "portal-behind-a-proxy.token").write_text(PROXIED_TOKEN + "\n")
    (folder / "device-ca.pem").write_bytes(authority.pem)
    (folder / "device-ca.crl").write_bytes(authority.crl)
    file = folder / "vestibule.toml"
    text = CONFIG
    for name, part in {**standard, **parts}.items():
        text = text.replace(f"<{name}>", part)
    file.write_text(text.format(acme=acme, partners=partners))
    return file


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    now: datetime = NOON,
    authority: DeviceAuthority | None = None,
    look: Callable[[Path], Checked] = prepare,
    asked: asyncio.Event | None = None,
    **parts: str,
) -> AsyncIterator[World]:
    """Run everything. The clock stands at noon UTC of a Tuesday, inside the partners' hours, until it is moved."""
    clock, records = HandClock(now), list[DecisionRecord]()
    authority = authority or DeviceAuthority()
    async with (
        Issuer("acme").running() as acme,
        Issuer("partners").running() as partners,
        ClientSession(connector=TCPConnector(limit=0)) as session,
    ):
        file = write_configuration(folder, acme=acme.url, partners=partners.url, authority=authority, **parts)
        checked = prepare(file, formats={**device_formats(), **FORMATS})
        traces = telemetry.start(checked.config.telemetry_endpoint)
        async with running(
            checked, telemetry=traces, clock=clock, listeners=(records.append,), look=look, asked=asked
        ) as service:
            yield World(
                session=session,
                url=f"http://127.0.0.1:{service.port}",
                clock=clock,
                acme=acme,
                partners=partners,
                authority=authority,
                folder=folder,
                serving=service,
                traces=traces,
                records=records,
            )
        traces.shutdown()
