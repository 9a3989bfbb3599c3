"""The parties around a house under test: identity providers that sign, a device CA, and devices.

The provider signs with joserfc and the certificates are made by `cryptography`; nothing here shares code with what
verifies them, except the transcript, whose published examples are tested by themselves.
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey

from plugin.core import base64url
from plugin.core.transcript import Purpose, Transcript
from tests.fakes import NOON

MFA = "urn:acme:mfa"


class Issuer:
    """An OpenID provider with a discovery document, keys and a pen. It can be down (503) or hang until it is let go."""

    def __init__(self, org: str) -> None:
        self.org = org
        self.key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        self.url = ""
        self.down = False
        self.hanging = False
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()

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
        self.asked.set()
        if self.hanging:
            await self.let_go.wait()
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
        self.revoked: list[Device] = []

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def crl(self) -> bytes:
        """Name the revoked devices in a list (PEM)."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(NOON - timedelta(days=1)).next_update(NOON + timedelta(days=7000))
        for device in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(device.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(NOON - timedelta(days=1)).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

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
            .not_valid_after(NOON + timedelta(days=7300))
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

    @property
    def client_cert(self) -> str:
        """The header by which a proxy passes this device's certificate on (RFC 9440)."""
        return f":{b64encode(self.certificate.public_bytes(Encoding.DER)).decode()}:"

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
