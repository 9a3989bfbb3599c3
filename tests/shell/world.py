"""A whole house for tests: the real service on a real port, with an identity provider and devices around it.

The provider signs with joserfc and the certificates are made by `cryptography`; nothing here shares code with what
verifies them, except the transcript, whose published examples are tested by themselves.
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import ClientSession, TCPConnector, encode_basic_auth, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey

from plugin.core import base64url
from plugin.core.record import DecisionRecord
from plugin.core.transcript import Purpose, Transcript
from plugin.shell import telemetry
from plugin.shell.app import running
from plugin.shell.check import prepare
from plugin.shell.gate import Gate
from plugin.shell.telemetry import Telemetry
from tests.fakes import NOON, HandClock

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORD = "pexip-password-of-the-tests"
CALLER_TOKEN = "portal-token-of-the-tests-0123456789"
PROXIED_TOKEN = "token-of-a-portal-behind-a-proxy-0123456789"
PUBLIC_URL = "https://vestibule.example.com"
MFA = "urn:acme:mfa"


class Issuer:
    """An OpenID provider with a discovery document, keys and a pen. It can be down (503) or hang."""

    def __init__(self, org: str) -> None:
        self.org = org
        self.key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        self.url = ""
        self.down = False
        self.hanging = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Issuer"]:
        app = web.Application()
        app.add_routes([web.get("/.well-known/openid-configuration", self._metadata), web.get("/jwks", self._jwks)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()

    def token(self, subject: str, *, now: datetime, key: ECKey | None = None, **claims: object) -> str:
        """Sign an ID token; a claim given as None is left out."""
        moment = int(now.timestamp())
        standard: dict[str, object] = {
            "iss": self.url,
            "sub": subject,
            "aud": "vestibule",
            "iat": moment,
            "exp": moment + 600,
            "auth_time": moment - 60,
            "acr": MFA,
            "groups": ["staff"],
            "jti": secrets.token_hex(8),
        }
        payload = {name: value for name, value in {**standard, **claims}.items() if value is not None}
        signer = key or self.key
        return jwt.encode({"alg": "ES256", "typ": "JWT", "kid": self.key.kid}, payload, signer)

    async def _behave(self) -> None:
        if self.hanging:
            await asyncio.Event().wait()
        if self.down:
            raise web.HTTPServiceUnavailable

    async def _metadata(self, _request: web.Request) -> web.Response:
        await self._behave()
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256", "RS256"],
            }
        )

    async def _jwks(self, _request: web.Request) -> web.Response:
        await self._behave()
        return web.json_response({"keys": [self.key.as_dict(private=False)]})


class DeviceAuthority:
    """A corporate CA whose device certificates name their owner in the subject's UID."""

    def __init__(self, name: str = "Acme Device CA") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), ca=True)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def device(self, owner: str) -> "Device":
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, f"laptop-{secrets.token_hex(3)}"),
                x509.NameAttribute(NameOID.USER_ID, owner),
            ]
        )
        return Device(key=key, certificate=self._sign(subject, key.public_key(), ca=False))

    def _sign(self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOON - timedelta(days=30))
            .not_valid_after(NOON + timedelta(days=300))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if ca:
            builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        else:
            builder = builder.add_extension(_usage(signs_certificates=False), critical=True).add_extension(
                x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def evidence(self, challenge: Mapping[str, str], *, token: str | None) -> dict[str, object]:
        """Sign the transcript of a join, as a client does with what `POST /v1/challenges` answered."""
        transcript = Transcript(
            purpose=Purpose(challenge["purpose"]),
            tenant=challenge["tenant"],
            origin=challenge["origin"],
            conference=challenge["conference"],
            nonce=base64url.decode(challenge["nonce"]),
            unverified_token=token,
        )
        r, s = decode_dss_signature(self.key.sign(transcript.digest(), ec.ECDSA(hashes.SHA256())))
        return {
            "format": "x509",
            "challenge_id": challenge["challenge_id"],
            "payload": {
                "chain": [b64encode(self.certificate.public_bytes(Encoding.DER)).decode()],
                "alg": "ES256",
                "signature": base64url.encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")),
            },
        }


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
    gate: Gate
    traces: Telemetry
    records: list[DecisionRecord] = field(default_factory=list)

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


CONFIG = """
[server]
listen = "127.0.0.1:0"
public_url = "https://vestibule.example.com"
requests_per_minute = 100000
[store]
url = "sqlite:///state/vestibule.db"
[policy]
bundle = "<bundle>"
house = ["acme"]
[telemetry]
<telemetry>
[[idp]]
adapter = "oidc"
issuer = "{acme}"
audience = ["vestibule"]
algorithms = ["ES256"]
org = "acme"
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
owners = {{ "partners-laptop" = "{partners}#case" }}
[[zone]]
name = "core"
[zone.pexip]
guests_can_present = true
[[zone]]
name = "meetme"
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
addresses_are_callers = true
<pexip>
"""


def write_configuration(folder: Path, *, acme: str, partners: str, authority: DeviceAuthority, **parts: str) -> Path:
    """Write a whole configuration with its secrets.

    `parts` fill in what stands in angle brackets; `{acme}` and `{partners}` in them stand for the issuers.
    """
    bundle = REPOSITORY / "deploy" / "policies"
    standard = {"conferences": "", "pexip": "", "telemetry": "", "caller": "", "bundle": str(bundle)}
    (folder / "secrets").mkdir()
    (folder / "secrets" / "pexip").write_text(PASSWORD + "\n")
    (folder / "secrets" / "portal.token").write_text(CALLER_TOKEN + "\n")
    (folder / "secrets" / "portal-behind-a-proxy.token").write_text(PROXIED_TOKEN + "\n")
    (folder / "device-ca.pem").write_bytes(authority.pem)
    file = folder / "vestibule.toml"
    text = CONFIG
    for name, part in {**standard, **parts}.items():
        text = text.replace(f"<{name}>", part)
    file.write_text(text.format(acme=acme, partners=partners))
    return file


@asynccontextmanager
async def opened(folder: Path, *, now: datetime = NOON, **parts: str) -> AsyncIterator[World]:
    """Run everything. The clock stands at noon UTC of a Tuesday, inside the partners' hours, until it is moved."""
    clock, authority, records = HandClock(now), DeviceAuthority(), list[DecisionRecord]()
    async with (
        Issuer("acme").running() as acme,
        Issuer("partners").running() as partners,
        ClientSession(connector=TCPConnector(limit=0)) as session,
    ):
        file = write_configuration(folder, acme=acme.url, partners=partners.url, authority=authority, **parts)
        checked = prepare(file)
        traces = telemetry.start(checked.config.telemetry_endpoint)
        async with running(checked, telemetry=traces, clock=clock, listeners=(records.append,)) as service:
            yield World(
                session=session,
                url=f"http://127.0.0.1:{service.port}",
                clock=clock,
                acme=acme,
                partners=partners,
                authority=authority,
                folder=folder,
                gate=service.gate,
                traces=traces,
                records=records,
            )
        traces.shutdown()
