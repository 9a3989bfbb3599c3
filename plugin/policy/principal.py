"""Who asks: a User, a Gateway, a RoomSystem or a Guest, or nobody who could be judged.

What was presented and is bad, or could not be looked at, makes nobody: it never falls back to a Guest.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from plugin.core.decision import Deny, because
from plugin.core.device import AttestationResult, Tier
from plugin.core.facts import Facts, Line
from plugin.core.finding import Gap, Proven, Unproven
from plugin.core.identity import Identity, Level, Provenance
from plugin.core.reasons import Reason
from plugin.policy.setting import Setting


class Kind(Enum):
    """The entity types that a principal can have."""

    USER = "User"
    GATEWAY = "Gateway"
    ROOM_SYSTEM = "RoomSystem"
    GUEST = "Guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """`level` 0 = nobody signed in. `mfa_age` None = no multi-factor sign-in, or nobody knows when it was."""

    level: int = 0
    mfa_age: timedelta | None = None
    provenance: Provenance = Provenance.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """What is known of the device."""

    managed: bool = False
    compliant: bool = False
    attested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """`groups` are named as policies name them; None = nobody told."""

    kind: Kind
    id: str
    issuer: str = ""
    org: str | None = None
    groups: frozenset[str] | None = frozenset()
    auth: Auth = Auth()
    device: Posture = Posture()


def find_principal(facts: Facts, *, setting: Setting) -> Principal | Deny:
    """Find who asks, or why there is nobody to be judged."""
    gaps = [proof for proof in (facts.identity, facts.device) if isinstance(proof, Unproven)]
    bad = [gap for gap in gaps if gap.gap is not Gap.ABSENT]
    if bad:
        return Deny(reasons=tuple(because(gap.reason, detail=gap.detail) for gap in bad))
    if facts.trunk is not None:
        kind = Kind.ROOM_SYSTEM if facts.trunk.line is Line.ROOM_SYSTEM else Kind.GATEWAY
        return Principal(
            kind=kind, id=facts.trunk.name, org=facts.trunk.org, auth=Auth(provenance=facts.trunk.provenance)
        )
    match facts.identity, facts.device:
        case Proven(value=identity), Proven(value=device):
            return _user(identity, device, facts=facts, setting=setting)
        case Proven(value=identity), Unproven():
            return _user(identity, None, facts=facts, setting=setting)
        case Unproven(), Unproven() if facts.conference.guests is True:
            return Principal(kind=Kind.GUEST, id="guest")
        case Unproven(), Unproven():
            return Deny(reasons=(because(Reason.GUESTS_NOT_CHOSEN),))
        case _:  # a device alone is nobody
            return Deny(reasons=(because(Reason.NOTHING_PRESENTED),))


def _user(identity: Identity, device: AttestationResult | None, *, facts: Facts, setting: Setting) -> Principal:
    # A signature binds a sign-in to its owner's own device. One by a device of nobody knows whom binds it to nobody.
    bound = device is not None and device.bound and device.owner == identity.key
    mfa_age = None
    if identity.level >= Level.MULTI_FACTOR and identity.auth_time is not None:
        mfa_age = max(facts.now - identity.auth_time, timedelta())
    return Principal(
        kind=Kind.USER,
        id=identity.key,
        issuer=identity.issuer,
        org=identity.org,
        groups=_groups(identity, setting=setting),
        auth=Auth(level=identity.level, mfa_age=mfa_age, provenance=Provenance.BOUND if bound else identity.provenance),
        device=_posture(device, identity=identity) if device else Posture(),
    )


def _posture(device: AttestationResult, *, identity: Identity) -> Posture:
    compliant = device.bound and device.tier is Tier.AFFIRMING and device.owner == identity.key
    return Posture(managed=device.managed, compliant=compliant, attested=True)


def _groups(identity: Identity, *, setting: Setting) -> frozenset[str] | None:
    if identity.groups is None:
        return None
    if identity.org not in setting.house:
        return frozenset(f"{identity.org}/{group}" for group in identity.groups)
    # A group of the house that is called as a partner's would be would pose as that one.
    return frozenset(group for group in identity.groups if setting.partner_of(group) is None)
