"""What somebody in a room might lack: where a platform cannot withhold it from one, its rooms have to from all.

What cannot be read off the policies is found by asking of a grid of hypothetical people. That is a check on a
configuration, not a proof: of hours it tries three, of protocols none, and of groups no pairs. A join that it missed is
denied in the end, since no platform adapter admits anybody to more than was granted.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from itertools import chain, product

from cedarpy import pst

from plugin.core.decision import Capability, Deny
from plugin.core.device import AttestationResult, Tier
from plugin.core.facts import Conference, Facts, Line, Trunk
from plugin.core.finding import ABSENT, Finding, Proven
from plugin.core.identity import Identity, Level, Provenance
from plugin.core.join import Network
from plugin.core.trunks import DIAL_OUT
from plugin.policy.bundle import Bundle
from plugin.policy.hearing import JOIN, Unanswered, hear
from plugin.policy.implied import implied
from plugin.policy.principal import find_principal
from plugin.policy.seat import outward
from plugin.policy.setting import Setting
from plugin.policy.trees import walk

_SOMEBODY = "somebody"
_POSTURES = tuple(product((False, True), (False, True)))
_NOWHERE = IPv6Address("::")
_WORKDAY, _NIGHT, _SUNDAY = (
    datetime(2026, 11, 24, 12, tzinfo=UTC),
    datetime(2026, 11, 24, 1, tzinfo=UTC),
    datetime(2026, 11, 22, 12, tzinfo=UTC),
)


def lacking(
    bundle: Bundle, *, conference: Conference, zone: str, among: frozenset[Capability]
) -> frozenset[Capability]:
    """Return which of these capabilities somebody who may join that room might lack.

    Raises ValueError where the conference does not fit the bundle.
    """
    return search(bundle, conference=conference, zone=zone, among=among - implied(bundle, zone=zone))


def search(bundle: Bundle, *, conference: Conference, zone: str, among: frozenset[Capability]) -> frozenset[Capability]:
    """Look among hypothetical people for such as lack one of these capabilities in that room."""
    found: set[Capability] = set()
    if not among or zone not in outward(conference, setting=bundle.setting):
        return frozenset()
    for facts in _hypothetical(bundle, conference=conference, zone=zone):
        found |= _lacks(bundle, facts=facts, zone=zone, among=among)
        if found == among:
            break
    return frozenset(found)


def shape(bundle: Bundle, conference: Conference) -> Hashable:
    """Return what `lacking` depends on: conferences of one shape lack the same."""
    setting = bundle.setting
    chances = tuple(
        (
            org,
            _chances(conference.invited, org=org, setting=setting),
            _chances(conference.hosts, org=org, setting=setting),
        )
        for org in sorted(setting.orgs)
    )
    named = conference.name if _named(bundle, "Conference") or _named(bundle, "Room") else None
    owner = conference.owner if "owner" in _attributes(bundle) else None
    trunks = _trunks(conference.invited), _trunks(conference.hosts)
    return conference.zones, conference.classification, conference.guests, chances, trunks, named, owner


def _attributes(bundle: Bundle) -> frozenset[str]:
    parts = (part for tree in bundle.trees.values() for part in walk(tree))
    return frozenset(part.attr for part in parts if isinstance(part, pst.GetAttr))


def _lacks(bundle: Bundle, *, facts: Facts, zone: str, among: frozenset[Capability]) -> set[Capability]:
    principal = find_principal(facts, setting=bundle.setting)
    if isinstance(principal, Deny):
        return set()
    hearing = hear(bundle, facts=facts, principal=principal)
    try:
        (joins,) = hearing.ask(JOIN, zone=zone)
        verdicts = hearing.ask(*(one.value for one in among), zone=zone) if joins.permitted else ()
    except Unanswered:
        return set()  # the judge denies them
    return {one for one, verdict in zip(among, verdicts, strict=False) if not verdict.permitted}


def _hypothetical(bundle: Bundle, *, conference: Conference, zone: str) -> Iterator[Facts]:
    networks = _networks(bundle)
    for now in (_WORKDAY, _NIGHT, _SUNDAY) if bundle.clocks else (_WORKDAY,):
        for caller, network in product(_callers(bundle, conference, now=now), networks):
            yield Facts(
                conference=caller.conference,
                zone=zone,
                protocol="",
                identity=caller.identity,
                device=caller.device,
                trunk=caller.trunk,
                network=network,
                assurances=(),
                now=now,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caller:
    """`conference` names exactly this caller, or nobody, among the invited and the hosts."""

    conference: Conference
    identity: Finding[Identity] = ABSENT
    device: Finding[AttestationResult] = ABSENT
    trunk: Trunk | None = None


def _callers(bundle: Bundle, conference: Conference, *, now: datetime) -> Iterator[_Caller]:
    yield _Caller(conference=conference)
    yield _Caller(conference=conference, trunk=DIAL_OUT)
    orgs = (None, *sorted(bundle.setting.orgs))
    for line, kind in ((Line.GATEWAY, "Gateway"), (Line.ROOM_SYSTEM, "RoomSystem")):
        names = {_SOMEBODY, *_named(bundle, kind), *_trunks(conference.invited | conference.hosts)}
        for name, org, provenance in product(sorted(names), orgs, (Provenance.NETWORK, Provenance.PLATFORM)):
            trunk = Trunk(name=name, org=org, line=line, provenance=provenance)
            yield _Caller(conference=conference, trunk=trunk)
    for identity in _identities(bundle, now=now):
        person = Proven(value=identity)
        devices = _devices(identity, now=now)
        for listed, device in product(_standings(identity, conference, setting=bundle.setting), devices):
            yield _Caller(conference=listed, identity=person, device=device)


def _standings(identity: Identity, conference: Conference, *, setting: Setting) -> Iterator[Conference]:
    """Think of each way in which the conference's lists can name somebody of this organisation.

    Which of its members they name does not matter: it keeps the grid small however many they are.
    """
    chances = [
        _chances(entries, org=identity.org, setting=setting) for entries in (conference.invited, conference.hosts)
    ]
    for invited, host in product(*chances):
        yield replace(
            conference,
            invited=frozenset({identity.key} if invited else ()),
            hosts=frozenset({identity.key} if host else ()),
        )


def _chances(entries: frozenset[str], *, org: str, setting: Setting) -> tuple[bool, ...]:
    if f"org:{org}" in entries:
        return (True,)
    return (False, True) if any(_may_name(entry, org=org, setting=setting) for entry in entries) else (False,)


def _may_name(entry: str, *, org: str, setting: Setting) -> bool:
    if entry.startswith(("org:", "trunk:")):
        return False
    if entry.startswith("group:"):
        partner = setting.partner_of(entry.removeprefix("group:"))
        return partner == org if partner else org in setting.house
    return setting.issuers.get(entry.partition("#")[0]) == org


def _trunks(entries: frozenset[str]) -> frozenset[str]:
    return frozenset(entry.removeprefix("trunk:") for entry in entries if entry.startswith("trunk:"))


def _devices(identity: Identity, *, now: datetime) -> tuple[Finding[AttestationResult], ...]:
    if identity.provenance is Provenance.PLATFORM:
        return (ABSENT,)  # nobody's device was ever seen there
    return (ABSENT, *(_device(identity, compliant=one, managed=other, now=now) for one, other in _POSTURES))


def _device(identity: Identity, *, compliant: bool, managed: bool, now: datetime) -> Finding[AttestationResult]:
    result = AttestationResult(
        device_id=_SOMEBODY,
        format="",
        tier=Tier.AFFIRMING,
        bound=True,
        managed=managed,
        owner=identity.key if compliant else None,
        appraised_by="",
        expires_at=now,
    )
    return Proven(value=result)


def _identities(bundle: Bundle, *, now: datetime) -> Iterator[Identity]:
    stale = (now - age - timedelta(seconds=1) for age in bundle.max_ages)
    verified = product((Provenance.VERIFIED,), (Level.MULTI_FACTOR, Level.PHISHING_RESISTANT), (None, now, *stale))
    weakest = product((Provenance.PLATFORM, Provenance.VERIFIED), (Level.SIGNED_IN,), (None,))
    sign_ins = (*weakest, *verified)
    for (issuer, org, subject, groups), (provenance, level, auth_time) in product(_people(bundle), sign_ins):
        yield Identity(
            issuer=issuer,
            subject=subject,
            org=org,
            groups=groups,
            level=level,
            acr=None,
            amr=(),
            auth_time=auth_time,
            session_id=None,
            nonce=None,
            issued_at=now,
            expires_at=now,
            provenance=provenance,
        )


def _people(bundle: Bundle) -> Iterator[tuple[str, str, str, frozenset[str] | None]]:
    """Think of somebody of each provider, and of whom policies name.

    They are in no group, in each that policies name, in all, or nobody told.
    """
    setting, named = bundle.setting, _named(bundle, "Group")
    for issuer, org in sorted(setting.issuers.items()):
        if org in setting.house:
            groups = {group for group in named if setting.partner_of(group) is None}
        else:
            groups = {group.removeprefix(f"{org}/") for group in named if group.startswith(f"{org}/")}
        memberships = {None, frozenset[str](), frozenset(groups), *(frozenset({group}) for group in groups)}
        keys = (key for key in _named(bundle, "User") if key.startswith(f"{issuer}#"))
        subjects = (_SOMEBODY, *(key.removeprefix(f"{issuer}#") for key in keys))
        yield from ((issuer, org, *who) for who in product(subjects, memberships))


def _named(bundle: Bundle, kind: str) -> list[str]:
    return sorted(uid.id for uid in pst.entity_uids(bundle.trees) if uid.type.basename == kind)


def _networks(bundle: Bundle) -> list[Network]:
    """Think of nowhere, and of one address for each mixture of the countries and networks that policies name."""
    strings = {part.value for tree in bundle.trees.values() for part in walk(tree) if isinstance(part, pst.StringLit)}
    networks = set(_named(bundle, "Network"))
    seen: dict[object, Network] = {}
    stretches = chain(bundle.data.countries.stretches(), bundle.data.networks.stretches())
    for address in chain([_NOWHERE], (address for address, _ in stretches)):
        country = bundle.data.country(address)
        mixture = (
            country is None,
            country if country in strings else None,
            bundle.data.networks.find(address) & networks,
        )
        seen.setdefault(mixture, Network(address=str(address), located=True))
    return [Network(address="", located=False), *seen.values()]
