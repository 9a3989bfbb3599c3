"""What would have changed a decision: each fact that policies can ask for, turned over once and judged again.

The judge that decides is asked, with the same bundle; nothing is worked out another way. One fact is changed at a
time, so where two stand in the way neither is named. Whether a proof would hold is not a fact that can be turned over.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from cedarpy import pst

from plugin.core.decision import Capability, Decision, Deny
from plugin.core.device import AttestationResult, Tier
from plugin.core.facts import Facts, Place
from plugin.core.finding import ABSENT, Gap, Proven, Unproven
from plugin.core.identity import Identity, Level, Provenance
from plugin.policy.bundle import Bundle
from plugin.policy.entities import is_named
from plugin.policy.judge import judge
from plugin.policy.principal import find_principal

LEVELS = {
    Level.SIGNED_IN: "had signed in just now with one factor",
    Level.MULTI_FACTOR: "had signed in just now with a second factor",
    Level.PHISHING_RESISTANT: "had signed in just now with a passkey or a security key",
}
_SESSION = timedelta(hours=1)
_QUARTER = timedelta(minutes=15)
_QUARTERS_OF_A_WEEK = 7 * 24 * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """`change` ends the sentence "it would change if they ..."; `decision` is the answer then."""

    change: str
    facts: Facts
    decision: Decision


def would_change(bundle: Bundle, facts: Facts) -> Iterator[Alternative]:
    """Find the changes of one fact after which somebody would be treated differently."""
    as_it_was = effect(judge(bundle, facts))
    for change, changed in _changes(facts, bundle=bundle):
        decision = judge(bundle, changed)
        if effect(decision) != as_it_was:
            yield Alternative(change=change, facts=changed, decision=decision)
    yield from _at_another_time(bundle, facts, as_it_was=as_it_was)


def effect(decision: Decision) -> tuple[str | None, frozenset[Capability]]:
    """Return what a decision comes to: the zone that somebody enters, and what they may do there."""
    return (None, frozenset()) if isinstance(decision, Deny) else (decision.zone, decision.capabilities)


def _changes(facts: Facts, *, bundle: Bundle) -> Iterator[tuple[str, Facts]]:
    yield from _sign_in(facts, bundle=bundle)
    yield from _groups(facts, bundle=bundle)
    yield from _device(facts)
    yield from _lists(facts, bundle=bundle)
    yield from _conference(facts, bundle=bundle)
    if isinstance(facts.network, Place):
        places = _places(facts.network, bundle=bundle)
        yield from ((change, replace(facts, network=place)) for change, place in places)
    if facts.trunk is not None and facts.trunk.provenance is not Provenance.PLATFORM:
        trunk = replace(facts.trunk, provenance=Provenance.PLATFORM)
        yield "had called from a device that is registered with the platform", replace(facts, trunk=trunk)


def _sign_in(facts: Facts, *, bundle: Bundle) -> Iterator[tuple[str, Facts]]:
    if not isinstance(facts.identity, Proven):
        if facts.identity.gap is not Gap.ABSENT:
            yield "had presented no sign-in", replace(facts, identity=ABSENT)
        if facts.trunk is None:
            for issuer, org in sorted(bundle.setting.issuers.items()):
                identity = _somebody(issuer, org=org, facts=facts)
                yield f"had signed in, as somebody of `{org}`", replace(facts, identity=Proven(value=identity))
        return
    identity = facts.identity.value
    if identity.provenance is Provenance.PLATFORM:
        verified = replace(identity, provenance=Provenance.VERIFIED)
        yield "had signed in here and not at the platform", replace(facts, identity=Proven(value=verified))
        return
    for level, change in LEVELS.items():
        fresh = replace(identity, level=level, auth_time=facts.now)
        yield change, replace(facts, identity=Proven(value=fresh))
    for age in bundle.max_ages:
        stale = replace(identity, auth_time=facts.now - age - timedelta(seconds=1))
        yield f"had signed in longer than {age} ago", replace(facts, identity=Proven(value=stale))


def _somebody(issuer: str, *, org: str, facts: Facts) -> Identity:
    return Identity(
        issuer=issuer,
        subject="",
        org=org,
        groups=frozenset(),
        level=Level.MULTI_FACTOR,
        acr=None,
        amr=(),
        auth_time=facts.now,
        session_id=None,
        nonce=None,
        issued_at=facts.now,
        expires_at=facts.now + _SESSION,
    )


def _groups(facts: Facts, *, bundle: Bundle) -> Iterator[tuple[str, Facts]]:
    if not isinstance(facts.identity, Proven):
        return
    identity, setting = facts.identity.value, bundle.setting
    lists = facts.conference.invited | facts.conference.hosts
    named = {uid.id for uid in pst.entity_uids(bundle.trees) if uid.type.basename == "Group"}
    named |= {entry.removeprefix("group:") for entry in lists if entry.startswith("group:")}
    for name in sorted(named):
        partner = setting.partner_of(name)
        if partner != (None if identity.org in setting.house else identity.org):
            continue
        group = name.removeprefix(f"{partner}/") if partner else name
        groups = identity.groups or frozenset()
        verb = "were not" if group in groups else "were"
        changed = replace(identity, groups=groups ^ {group})
        yield f"{verb} in the group `{name}`", replace(facts, identity=Proven(value=changed))


def _device(facts: Facts) -> Iterator[tuple[str, Facts]]:
    if isinstance(facts.device, Unproven) and facts.device.gap is not Gap.ABSENT:
        yield "had presented no device", replace(facts, device=ABSENT)
    if not isinstance(facts.identity, Proven):
        return
    owner = facts.identity.value.key
    own = AttestationResult(
        device_id="",
        format="x509",
        tier=Tier.AFFIRMING,
        bound=True,
        managed=True,
        owner=owner,
        appraised_by="",
        expires_at=facts.now + _SESSION,
    )
    yield "had their own device sign for this join", replace(facts, device=Proven(value=own))
    if isinstance(facts.device, Proven):
        device = facts.device.value
        yield "had presented no device", replace(facts, device=ABSENT)
        unmanaged = replace(device, managed=not device.managed)
        said = "were not" if device.managed else "were"
        yield f"had a device that {said} managed", replace(facts, device=Proven(value=unmanaged))
        unbound = replace(device, bound=False)
        yield "had a device that did not sign for this join", replace(facts, device=Proven(value=unbound))


def _lists(facts: Facts, *, bundle: Bundle) -> Iterator[tuple[str, Facts]]:
    principal = find_principal(facts, setting=bundle.setting)
    if isinstance(principal, Deny) or (facts.trunk is None and not isinstance(facts.identity, Proven)):
        return
    own = f"trunk:{principal.id}" if facts.trunk else principal.id
    conference = facts.conference
    lists = {"invited": ("were invited", conference.invited), "hosts": ("were named as host", conference.hosts)}
    for name, (said, entries) in lists.items():
        mine = {entry for entry in entries if is_named(frozenset({entry}), principal=principal, setting=bundle.setting)}
        changed = entries - mine if mine else entries | {own}
        change = said.replace("were ", "were not ") if mine else said
        # `name` is one of two fields of the conference.
        listed = replace(conference, invited=changed) if name == "invited" else replace(conference, hosts=changed)
        yield change, replace(facts, conference=listed)


def _conference(facts: Facts, *, bundle: Bundle) -> Iterator[tuple[str, Facts]]:
    conference = facts.conference
    said = "had come to a conference that takes guests"
    if conference.guests:
        said = "had come to a conference that takes no guests"
    yield said, replace(facts, conference=replace(conference, guests=not conference.guests))
    for name in bundle.data.classifications:
        if name != conference.classification:
            changed = replace(conference, classification=name)
            yield f"had come to a conference classified `{name}`", replace(facts, conference=changed)


def _places(place: Place, *, bundle: Bundle) -> Iterator[tuple[str, Place]]:
    countries = sorted(bundle.data.countries.all_names)
    elsewhere = [name for name in countries if name not in bundle.named][:1]
    known = [name for name in countries if name in bundle.named]
    nowhere = dict.fromkeys(bundle.data.network_names, False)
    if not place.located:
        ranges = dict.fromkeys(bundle.ranges.all_names, False)
        for country in elsewhere:
            located = Place(located=True, country=country, networks=nowhere, ranges=ranges)
            yield f"had called from an address of their own, in `{country}`", located
        return
    yield "had called from where nobody knows the caller's address", replace(place, located=False)
    for country in (*elsewhere, *known):
        if country != place.country:
            yield f"had called from `{country}`", replace(place, country=country)
    for network in bundle.data.network_names:
        if network in bundle.named and network in place.networks:
            inside = place.networks[network]
            said = f"had {'not ' if inside else ''}called from the network `{network}`"
            yield said, replace(place, networks={**place.networks, network: not inside})
    for within in {names for _, names in bundle.ranges.stretches()}:
        said = f"had called from an address in {', '.join(sorted(within))}"
        yield said, replace(place, ranges={name: name in within for name in bundle.ranges.all_names})


def _at_another_time(bundle: Bundle, facts: Facts, *, as_it_was: object) -> Iterator[Alternative]:
    """Find the next quarter of an hour, within a week, at which the same proofs would be answered otherwise."""
    if not bundle.clocks:
        return
    begin = facts.now.replace(minute=0, second=0, microsecond=0)
    for number in range(1, _QUARTERS_OF_A_WEEK):
        moment = begin + number * _QUARTER
        moved = _moved(facts, by=moment - facts.now)
        decision = judge(bundle, moved)
        if moment > facts.now and effect(decision) != as_it_was:
            yield Alternative(change=f"had come at {moment:%a %Y-%m-%d %H:%M} UTC", facts=moved, decision=decision)
            return


def _moved(facts: Facts, *, by: timedelta) -> Facts:
    """Move a join in time, and the sign-in with it: only the hour is another."""
    identity = facts.identity
    if isinstance(identity, Proven) and identity.value.auth_time is not None:
        identity = Proven(value=replace(identity.value, auth_time=identity.value.auth_time + by))
    return replace(facts, now=facts.now + by, identity=identity)
