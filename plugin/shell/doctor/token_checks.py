"""What the house makes of a token, check by check: for `doctor --idp NAME --token FILE`.

Every check is the one that admission asks, and the verdict is what `flow.identification.identify` says: nothing here
judges by itself. What a token says of people is told by type or number.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from plugin.core.errors import Refused
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.flow.identification import Rules, identify, of_all_kinds, rules_for
from plugin.flow.identity_proofs import BEARER_AGE
from plugin.jose.claims import shown
from plugin.jose.compact import read_json
from plugin.jose.keys import KeySet
from plugin.jose.verify import SignedBytes, read_unverified, verify_signature
from plugin.ports import IdpAdapter
from plugin.shell.doctor.claims_told import told, told_of_all
from plugin.shell.doctor.report import Level, Line

# What each of the standard checks looks at.
LOOKED_AT: Mapping[str, tuple[str, ...]] = {
    "type": ("typ",),  # of the header
    "issuer": ("iss",),
    "audience": ("aud",),
    "authorized party": ("azp",),
    "subject": ("sub",),
    "times": ("iat", "exp", "nbf"),
    "expiry": ("exp",),
    "issue": ("iat", "nbf"),
    "lifetime": ("iat", "exp"),
}
ADVICE: Mapping[Reason, str] = {
    Reason.TOKEN_MALFORMED: "give it a file that holds one token and nothing else: three parts, joined by dots",
    Reason.TOKEN_TOO_LARGE: "have the provider put less into it, such as the groups of this application alone",
    Reason.TOKEN_HEADER: "have the provider sign plainly: a key, address or extension in a header is never taken",
    Reason.TOKEN_ALGORITHM: "set `algorithms` to what the provider signs with, or have it sign with one of these",
    Reason.TOKEN_KEY: "`vestibule doctor` names the provider's keys: see that this token is not older than they are,"
    " and that this provider issued it",
    Reason.TOKEN_SIGNATURE: "take the token from the provider itself: somebody changed this one, or made it up",
    Reason.TOKEN_TYPE: "present the ID token, or see `tokens`: this is an access, refresh or logout token, or another"
    " provider's",
    Reason.TOKEN_ISSUER: "see `issuer` and `tenants`, and whether this person is of another organisation",
    Reason.TOKEN_AUDIENCE: "set `audience` to the client that people sign in to, where that is ours, and `resource`"
    " to what this service is called in access tokens",
    Reason.TOKEN_AUTHORIZED_PARTY: "set `audience` to the client that people sign in to, where that is ours",
    Reason.TOKEN_EXPIRED: "sign in again, and examine that token",
    Reason.TOKEN_NOT_YET_VALID: "synchronise both clocks by NTP",
    Reason.TOKEN_LIFETIME: "shorten the lifetime of the client's ID tokens",
    Reason.TOKEN_CONFIRMATION: "it counts with its key or certificate alone, which no file holds: try it with a client",
    Reason.TOKEN_CLAIM: "have the provider tell this claim: see the adapter's page in deploy/idp",
}


def judged(unverified_token: str, *, provider: IdpAdapter, keys: KeySet, now: datetime) -> Iterator[Line]:
    """Ask everything that admission asks, and go on after a refusal where the next question still means something."""
    settings = provider.settings
    try:
        signed = verify_signature(unverified_token, keys=keys, algorithms=settings.algorithms)
        payload = read_json(signed.payload)
    except Refused as refused:
        # Nothing that it says is the provider's word, so nothing more of it is told.
        yield refused_line("token signature", refused)
        return
    yield Line(level=Level.OK, subject="token signature", found="holds, by a key of the provider")
    try:
        rules = rules_for(read_unverified(unverified_token), provider=provider, now=now)
    except Refused as refused:
        yield refused_line("token kind", refused)
        return
    yield Line(level=Level.OK, subject="token kind", found=f"seems to be an {rules.kind.value} token, judged as one")
    yield from _standard(signed, payload, rules=rules, now=now)
    for claim, check in {**rules.checks, **of_all_kinds()}.items():
        yield _asked(f"claim {claim}", partial(check, claim, payload), found=told(claim, payload, now=now))
    others = (
        payload.keys()
        - rules.checks.keys()
        - of_all_kinds().keys()
        - {claim for claims in LOOKED_AT.values() for claim in claims}
    )
    if others:
        yield Line(level=Level.OK, subject="other claims", found=told_of_all(others, payload, now=now))
    as_admission = partial(identify, unverified_token, provider=provider, keys=keys)
    yield from _person(partial(as_admission, now=_moment(payload, now=now)), provider=provider, now=now)
    yield _asked("token verdict", partial(as_admission, now=now), found="it proves who somebody is")


def refused_line(subject: str, refused: Refused) -> Line:
    """Say a refusal, with its advice."""
    found = f"{refused.reason.code}: {refused.detail}"
    advice = ADVICE.get(refused.reason, ADVICE[Reason.TOKEN_CLAIM])
    return Line(level=Level.FAULT, subject=subject, found=found, advice=advice)


def _asked(subject: str, ask: Callable[[], object], *, found: str) -> Line:
    try:
        ask()
    except Refused as refused:
        return refused_line(subject, refused)
    return Line(level=Level.OK, subject=subject, found=found)


def _standard(signed: SignedBytes, payload: Mapping[str, object], *, rules: Rules, now: datetime) -> Iterator[Line]:
    for name, check in rules.asked.items():
        source = signed.header if name == "type" else payload
        found = ", ".join(told(claim, source, now=now) for claim in LOOKED_AT[name])
        yield _asked(f"token {name}", partial(check, signed.header, payload), found=found)


def _moment(payload: Mapping[str, object], *, now: datetime) -> datetime:
    """Return when to ask who this is: now, or where the token has ended, its last moment."""
    expires = payload.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int | float) or not 0 <= expires < now.timestamp():
        return now
    return datetime.fromtimestamp(expires, tz=UTC)


def _person(name: Callable[[], Identity], *, provider: IdpAdapter, now: datetime) -> Iterator[Line]:
    """Tell what policies would hear of somebody whose token is good, or was until it ended."""
    try:
        identity = name()
    except Refused as refused:
        found = f"not named: {refused.reason.code}: {refused.detail}"
        yield Line(level=Level.FAULT, subject="person", found=found, advice="mend what fails above, this first")
        return
    by = f"`acr` {shown(identity.acr)}, `amr` {shown(identity.amr)}"
    level = identity.level.name.lower().replace("_", "-")
    yield Line(level=Level.OK, subject="person level", found=f"{level} ({identity.level.value}), by {by}")
    yield _groups(identity, claim=provider.settings.groups_claim)
    signed_in = "not told" if identity.auth_time is None else f"{_age(identity.auth_time, now=now)} ago"
    session, nonce = (_presence(value) for value in (identity.session_id, identity.nonce))
    yield Line(
        level=Level.OK, subject="person session", found=f"time of sign-in {signed_in}, session {session}, nonce {nonce}"
    )
    yield _freshness(identity, now=now)


def _groups(identity: Identity, *, claim: str) -> Line:
    if identity.groups is not None:
        return Line(level=Level.OK, subject="person groups", found=f"{len(identity.groups)} told by {shown(claim)}")
    advice = "where policies ask for groups, have the provider tell them: until then they deny what depends on groups"
    found = f"not told by {shown(claim)}" if claim else "not told, no `groups_claim` is configured"
    return Line(level=Level.WARNING, subject="person groups", found=found, advice=advice)


def _freshness(identity: Identity, *, now: datetime) -> Line:
    found = f"issued {_age(identity.issued_at, now=now)} ago, counts by itself for {BEARER_AGE.seconds} s"
    if now - identity.issued_at <= BEARER_AGE:
        return Line(level=Level.OK, subject="person freshness", found=found)
    advice = "older, it counts only with a proof of its owner's device or with a nonce of ours in it"
    return Line(level=Level.WARNING, subject="person freshness", found=found, advice=advice)


def _age(moment: datetime, *, now: datetime) -> str:
    return f"{(now - moment).total_seconds():.0f} s"


def _presence(value: str | None) -> str:
    return "absent" if value is None else "present"
