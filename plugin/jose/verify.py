"""Verify a person's token: the one place that asks PyJWT. What comes out could not exist otherwise, or is Refused.

It must never raise anything else, take an algorithm or a key from the token, or look at a clock.

The order of `verify`, in which nothing is read before it is bounded and nothing believed before it is signed:
1 length, three parts, header (compact.py)  2 algorithm, from the configuration  3 key  4 signature
5 payload  6 type of token  7 issuer, audience, authorized party  8 times  9 subject
6 to 9 are the entries of `checks`, which `vestibule doctor` asks one by one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.claims import SignedClaims, number, optional, shown, text, text_or_texts
from plugin.jose.compact import read_compact, read_json
from plugin.jose.keys import ALGORITHMS, Key, KeySet
from plugin.jose.ml_dsa import PARAMETER_SETS, MlDsa

# How far the clocks of a provider and of this house may be apart.
LEEWAY = timedelta(seconds=60)
MAX_LIFETIME = timedelta(hours=24)
MAX_SUBJECT = 255  # OIDC Core 2

# An instance of our own, which has neither `none` nor HMAC, whatever becomes of PyJWT's global one.
_JWS = jwt.PyJWS(algorithms=sorted(ALGORITHMS), options={"verify_signature": True, "enforce_minimum_key_length": True})
for _name, _kind in PARAMETER_SETS.items():
    _JWS.register_algorithm(_name, MlDsa(_kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedToken:
    """What a token says of itself: enough to choose by whose keys and which table to ask, and proof of nothing.

    `token_type` is `typ`, as `checks` compare it; `claims` are the names of those that are there.
    """

    issuer: str
    key_id: str | None
    algorithm: str
    token_type: str
    claims: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBytes:
    """Header and payload under a signature that holds. Whose it is and what for, nobody has asked yet."""

    header: Mapping[str, str]
    payload: bytes


SignedCheck = Callable[[Mapping[str, str], Mapping[str, object]], None]
"""Given header and payload under a signature that holds, return or raise Refused."""


def read_unverified(unverified_token: str) -> UnverifiedToken:
    """Read who claims to have issued a token. The issuer may only be looked up among the configured ones."""
    compact = read_compact(unverified_token)
    payload = read_json(compact.payload)
    return UnverifiedToken(
        issuer=text("iss", payload),
        key_id=compact.header.get("kid"),
        algorithm=compact.header["alg"],
        token_type=_type_of(compact.header),
        claims=frozenset(payload),
    )


def verify(
    unverified_token: str,
    *,
    keys: KeySet,
    issuer: str,
    audience: frozenset[str],
    algorithms: frozenset[str],
    token_types: frozenset[str],
    now: datetime,
) -> SignedClaims:
    """Verify signature, type, issuer, audience, times and subject of a token. Raises Refused.

    Not checked here: nonce, age, replay, and what a provider's adapter checks by its own table.
    """
    asked = checks(issuer=issuer, audience=audience, token_types=token_types, now=now)
    return verify_by(unverified_token, keys=keys, algorithms=algorithms, asked=asked)


def verify_issued(
    unverified_token: str,
    *,
    keys: KeySet,
    issuer: str,
    audience: frozenset[str],
    algorithms: frozenset[str],
    token_types: frozenset[str],
    now: datetime,
) -> SignedClaims:
    """Verify what a provider has issued to us, all but that it is about somebody. Raises Refused."""
    asked = _checks_issued(issuer=issuer, audience=audience, token_types=token_types, now=now)
    return verify_by(unverified_token, keys=keys, algorithms=algorithms, asked=asked)


def checks(
    *, issuer: str, audience: frozenset[str], token_types: frozenset[str], now: datetime
) -> Mapping[str, SignedCheck]:
    """Return what is asked of every ID token, by name, in the order in which it is asked."""
    issued = _checks_issued(issuer=issuer, audience=audience, token_types=token_types, now=now)
    return {**issued, "subject": lambda _header, payload: _check_subject(payload)}  # 9


def access_checks(
    *, issuer: str, resource: str, beside: frozenset[str], token_types: frozenset[str], now: datetime
) -> Mapping[str, SignedCheck]:
    """Return what is asked of every access token (RFC 9068 section 4). Whose client holds it, the adapter's table asks.

    `beside` are audiences that may stand beside ours.
    """
    asked = dict(checks(issuer=issuer, audience=beside, token_types=token_types, now=now))
    del asked["authorized party"]
    asked["audience"] = lambda _header, payload: _check_resource(payload, resource=resource, beside=beside)
    return asked


def _checks_issued(
    *, issuer: str, audience: frozenset[str], token_types: frozenset[str], now: datetime
) -> Mapping[str, SignedCheck]:
    return {
        "type": lambda header, _payload: _check_type(header, token_types=token_types),  # 6
        "issuer": lambda _header, payload: _check_issuer(payload, issuer=issuer),  # 7
        "audience": lambda _header, payload: _check_audience(payload, audience=audience),
        "authorized party": lambda _header, payload: _check_authorized_party(payload, audience=audience),
        "times": lambda _header, payload: _check_times(payload),  # 8
        "expiry": lambda _header, payload: _check_expiry(payload, now=now),
        "issue": lambda _header, payload: _check_issue(payload, now=now),
        "lifetime": lambda _header, payload: _check_lifetime(payload),
    }


def verify_by(
    unverified_token: str, *, keys: KeySet, algorithms: frozenset[str], asked: Mapping[str, SignedCheck]
) -> SignedClaims:
    """Verify the signature, then what `checks` or `access_checks` have named. Raises Refused."""
    signed = verify_signature(unverified_token, keys=keys, algorithms=algorithms)  # 1 to 4
    payload = read_json(signed.payload)  # 5
    for check in asked.values():  # 6 to 9
        check(signed.header, payload)
    return SignedClaims(header=signed.header, payload=payload)


def verify_signature(unverified_token: str, *, keys: KeySet, algorithms: frozenset[str]) -> SignedBytes:
    """Verify the signature alone. `algorithms` comes from the configuration. Raises Refused."""
    header = read_compact(unverified_token).header
    algorithm = header["alg"]
    # RFC 8725 section 3.1. What this house does not know stays refused, whatever the configuration says.
    if algorithm not in algorithms & ALGORITHMS:
        expected = sorted(algorithms & ALGORITHMS)
        # Nothing is signed yet: what the caller wrote there is not quoted.
        got = f"`{algorithm}`" if algorithm in ALGORITHMS else "an unknown one"
        raise Refused(Reason.TOKEN_ALGORITHM, f"unexpected algorithm, got {got}, expected one of `{expected}`")
    key = keys.find(key_id=header.get("kid"), algorithm=algorithm)
    if key is None:
        raise Refused(Reason.TOKEN_KEY, f"no single key for `{algorithm}` has the key id of the token")
    return SignedBytes(header=header, payload=check_signature(unverified_token, key=key, algorithms=algorithms))


def check_signature(unverified_token: str, *, key: Key, algorithms: frozenset[str]) -> bytes:
    """Return the payload under the signature of this key. Whose key it is, the caller knows. Raises Refused."""
    try:
        signed = _JWS.decode_complete(
            unverified_token,
            key=key.public,  # type: ignore[arg-type] # its own kinds of keys; ML-DSA's was registered
            algorithms=sorted(algorithms & key.algorithms),
            options={"verify_signature": True, "enforce_minimum_key_length": True},
            detached_payload=None,
        )
    except jwt.InvalidSignatureError:
        raise Refused(Reason.TOKEN_SIGNATURE, "the signature does not belong to this token and key") from None
    except jwt.PyJWTError as error:
        raise Refused(Reason.TOKEN_MALFORMED, type(error).__name__) from None
    payload: bytes = signed["payload"]
    return payload


def _check_type(header: Mapping[str, str], *, token_types: frozenset[str]) -> None:
    # RFC 8725 section 3.11: access, logout and security event tokens carry the same issuer, audience and signature.
    token_type = _type_of(header)
    if token_type not in token_types:
        expected = sorted(token_types)
        raise Refused(Reason.TOKEN_TYPE, f"unexpected token type {shown(token_type)}, expected one of `{expected}`")


def _type_of(header: Mapping[str, str]) -> str:
    # RFC 7515 section 4.1.9: the name of a media type, case-insensitive, usually without its `application/`.
    return header.get("typ", "").lower().removeprefix("application/")


def _check_issuer(payload: Mapping[str, object], *, issuer: str) -> None:
    got = text("iss", payload)
    if got != issuer:  # OIDC Core 3.1.3.7 step 2: exactly
        raise Refused(Reason.TOKEN_ISSUER, f"unexpected issuer {shown(got)}, expected `{issuer}`")


def _check_audience(payload: Mapping[str, object], *, audience: frozenset[str]) -> None:
    got = text_or_texts("aud", payload)
    # OIDC Core 3.1.3.7 step 3: ours has to be there, and nobody whom we do not trust.
    if not got or not audience.issuperset(got):
        raise Refused(Reason.TOKEN_AUDIENCE, f"unexpected audience {shown(got)}, expected only `{sorted(audience)}`")


def _check_resource(payload: Mapping[str, object], *, resource: str, beside: frozenset[str]) -> None:
    got = text_or_texts("aud", payload)
    # RFC 9068 section 4: ours has to be there. What else is there could present the token to us, so nobody else may be.
    if resource not in got or not (beside | {resource}).issuperset(got):
        expected = f"`{resource}`" + (f", and beside it only `{sorted(beside)}`" if beside else "")
        raise Refused(Reason.TOKEN_AUDIENCE, f"unexpected audience {shown(got)}, expected {expected}")


def _check_authorized_party(payload: Mapping[str, object], *, audience: frozenset[str]) -> None:
    got = text_or_texts("aud", payload)
    authorized_party = optional(text, "azp", payload=payload)
    if authorized_party is None and len(got) > 1:  # OIDC Core 3.1.3.7 step 4
        raise Refused(Reason.TOKEN_AUTHORIZED_PARTY, "claim `azp` is absent, expected it beside several audiences")
    if authorized_party is not None and authorized_party not in audience:  # OIDC Core 3.1.3.7 step 5
        raise Refused(
            Reason.TOKEN_AUTHORIZED_PARTY,
            f"unexpected authorized party {shown(authorized_party)}, expected one of `{sorted(audience)}`",
        )


def _check_subject(payload: Mapping[str, object]) -> None:
    length = len(text("sub", payload))
    if not 0 < length <= MAX_SUBJECT:
        raise Refused(Reason.TOKEN_CLAIM, f"claim `sub` has {length} characters, expected 1 to {MAX_SUBJECT}")


def _check_times(payload: Mapping[str, object]) -> None:
    number("iat", payload)
    number("exp", payload)
    optional(number, "nbf", payload=payload)


def _check_expiry(payload: Mapping[str, object], *, now: datetime) -> None:
    expires = number("exp", payload)
    if expires <= (now - LEEWAY).timestamp():  # RFC 7519 section 4.1.4
        raise Refused(Reason.TOKEN_EXPIRED, f"expired at `{expires}`, and it is `{now.timestamp():.0f}`")


def _check_issue(payload: Mapping[str, object], *, now: datetime) -> None:
    issued, not_before = number("iat", payload), optional(number, "nbf", payload=payload)
    latest = (now + LEEWAY).timestamp()
    if issued > latest:
        raise Refused(Reason.TOKEN_NOT_YET_VALID, f"issued at `{issued}`, and it is `{now.timestamp():.0f}`")
    if not_before is not None and not_before > latest:  # RFC 7519 section 4.1.5
        raise Refused(Reason.TOKEN_NOT_YET_VALID, f"not valid before `{not_before}`, and it is `{now.timestamp():.0f}`")


def _check_lifetime(payload: Mapping[str, object]) -> None:
    lifetime = number("exp", payload) - number("iat", payload)
    if lifetime > MAX_LIFETIME.total_seconds():
        raise Refused(Reason.TOKEN_LIFETIME, f"valid for `{lifetime}` s, expected at most {MAX_LIFETIME}")
