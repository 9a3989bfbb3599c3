"""From facts to what is recorded of them, and back: what the judge decided once it can be asked again.

The same bundle decides the same about facts that were put on record and read again, whatever they are (the tests hold
the one against the other). A name comes back only where the bundle names it, and only under the key that it was put
away with: nobody can be found in records who is not named in policies.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from cedarpy import pst

from plugin.core.address import read_address
from plugin.core.device import AttestationResult
from plugin.core.facts import Conference, Facts, Place
from plugin.core.finding import Finding, Gap, Proven, Unproven
from plugin.core.identity import Identity
from plugin.core.join import Network
from plugin.core.reasons import Reason
from plugin.core.seen_facts import Missing, SeenDevice, SeenFacts, SeenIdentity
from plugin.core.trunks import APPS, PROTOCOLS
from plugin.policy.bundle import Bundle
from plugin.policy.setting import Setting

Pseudonym = Callable[[str], str]

KEY: Final = "vestibule/pseudonym-key"
"""What a key makes of this tells it from other keys, and nothing else."""
_PLAIN_PROTOCOLS = frozenset({*PROTOCOLS, *APPS, "rtmp", ""})
_KINDS = ("org:", "group:", "trunk:")
_REASONS = {reason.code: reason for reason in Reason}


class Forgotten(Exception):
    """The record was written under another pseudonym key, so nobody can say whether the policies name its person."""


# 1 putting facts on record


def put_away(facts: Facts, *, bundle: Bundle, pseudonym: Pseudonym) -> SeenFacts:
    """Put on record what this bundle could see of the facts."""
    identity, device, setting = facts.identity, facts.device, bundle.setting
    person = identity.value.key if isinstance(identity, Proven) else ""
    zone, protocol = facts.zone, facts.protocol
    return SeenFacts(
        key=pseudonym(KEY),
        conference=_conference(facts.conference, person=person, setting=setting, pseudonym=pseudonym),
        zone=zone if zone is None or zone in setting.zones else pseudonym(zone),
        protocol=protocol if protocol in _PLAIN_PROTOCOLS | bundle.named else pseudonym(_tagged("protocol", protocol)),
        identity=_identity(identity.value, facts=facts, bundle=bundle, pseudonym=pseudonym)
        if isinstance(identity, Proven)
        else None,
        identity_gap=_missing(identity),
        device=_device(device.value, pseudonym=pseudonym) if isinstance(device, Proven) else None,
        device_gap=_missing(device),
        trunk=facts.trunk,
        place=facts.network if isinstance(facts.network, Place) else _place(facts.network, bundle=bundle),
        assurances=facts.assurances,
        now=facts.now,
    )


def _tagged(kind: str, text: str) -> str:
    # No two kinds of text share a pseudonym, and none shares one with a person, whose key begins with an issuer.
    return f"{kind}:{text}"


def _masked(key: str, *, pseudonym: Pseudonym) -> str:
    """Mask `issuer#subject`. The issuer is the configuration's, and which side a person is on depends on it."""
    issuer, hash_sign, _ = key.partition("#")
    return f"{issuer}#{pseudonym(key)}" if hash_sign else pseudonym(key)


def _conference(conference: Conference, *, person: str, setting: Setting, pseudonym: Pseudonym) -> Conference:
    def listed(entry: str) -> str:
        if entry.startswith(_KINDS):
            return entry
        if entry == person:
            return _masked(entry, pseudonym=pseudonym)
        # Of the others it counts where they are at home. No subject is empty, so this is nobody.
        issuer = entry.partition("#")[0]
        return f"{issuer if issuer in setting.issuers else ''}#"

    return Conference(
        name=conference.name,
        zones=conference.zones,
        classification=conference.classification,
        owner=_masked(conference.owner, pseudonym=pseudonym) if conference.owner else "",
        hosts=frozenset(map(listed, conference.hosts)),
        invited=frozenset(map(listed, conference.invited)),
        guests=conference.guests,
        separate=conference.separate,
        sso_group=conference.sso_group,
    )


def _identity(identity: Identity, *, facts: Facts, bundle: Bundle, pseudonym: Pseudonym) -> SeenIdentity:
    lists = facts.conference.invited | facts.conference.hosts
    named = bundle.named | {entry.removeprefix("group:") for entry in lists}
    qualified = {group: _qualified(group, org=identity.org, setting=bundle.setting) for group in identity.groups or ()}
    others = (name for group, name in qualified.items() if name not in named)
    return SeenIdentity(
        issuer=identity.issuer,
        subject=pseudonym(identity.key),
        org=identity.org,
        groups=None if identity.groups is None else tuple(sorted(one for one in qualified if qualified[one] in named)),
        others=tuple(sorted(pseudonym(_tagged("group", name)) for name in others)),
        level=identity.level,
        auth_time=identity.auth_time,
        expires_at=identity.expires_at,
        provenance=identity.provenance,
    )


def _qualified(group: str, *, org: str, setting: Setting) -> str:
    """Name a group as policies do."""
    return group if org in setting.house else f"{org}/{group}"


def _device(device: AttestationResult, *, pseudonym: Pseudonym) -> SeenDevice:
    return SeenDevice(
        device_id=pseudonym(device.device_id),
        format=device.format,
        tier=device.tier,
        bound=device.bound,
        managed=device.managed,
        owner=None if device.owner is None else _masked(device.owner, pseudonym=pseudonym),
        appraised_by=device.appraised_by,
        expires_at=device.expires_at,
    )


def _missing(finding: Finding[Identity] | Finding[AttestationResult]) -> Missing | None:
    if isinstance(finding, Proven):
        return None
    return Missing(gap=finding.gap.value, reason=finding.reason.code, detail=finding.detail)


def _place(network: Network, *, bundle: Bundle) -> Place:
    address = read_address(network.address) if network.located else None
    if address is None:
        return Place(located=False, country=None, networks={}, ranges={})
    networks, ranges = bundle.data.networks.find(address), bundle.ranges.find(address)
    return Place(
        located=True,
        country=bundle.data.country(address),
        networks={name: name in networks for name in bundle.data.network_names},
        ranges={name: name in ranges for name in sorted(bundle.ranges.all_names)},
    )


# 2 reading them again


def recall(seen: SeenFacts, *, bundle: Bundle, pseudonym: Pseudonym, judged_by: str = "") -> Facts:
    """Read what is on record as this bundle would see it. Raises Forgotten where names are beyond recall.

    `judged_by` is the revision of the bundle that judged then: all the groups that it names are on record.
    """
    is_other = judged_by != bundle.revision
    if seen.key != pseudonym(KEY) and _needs_names(seen, bundle=bundle, is_other=is_other):
        raise Forgotten
    known = _known(bundle.named, pseudonym=pseudonym)
    conference = seen.conference
    return Facts(
        conference=Conference(
            name=conference.name,
            zones=conference.zones,
            classification=conference.classification,
            owner=_unmasked(conference.owner, known=known),
            hosts=frozenset(_unmasked(entry, known=known) for entry in conference.hosts),
            invited=frozenset(_unmasked(entry, known=known) for entry in conference.invited),
            guests=conference.guests,
            separate=conference.separate,
            sso_group=conference.sso_group,
        ),
        zone=seen.zone,
        protocol=known.get(seen.protocol, seen.protocol),
        identity=_found_identity(seen, bundle=bundle, known=known),
        device=_found_device(seen, known=known),
        trunk=seen.trunk,
        network=seen.place,
        assurances=seen.assurances,
        now=seen.now,
    )


def _needs_names(seen: SeenFacts, *, bundle: Bundle, is_other: bool) -> bool:
    """Say whether this bundle names what only the right key can find: people, or groups that were not looked for."""
    if any("#" in name for name in bundle.named):
        return True
    others = seen.identity.others if seen.identity else ()
    return is_other and bool(others) and any(uid.type.basename == "Group" for uid in pst.entity_uids(bundle.trees))


@lru_cache(maxsize=4)
def _known(named: frozenset[str], *, pseudonym: Pseudonym) -> dict[str, str]:
    """Find the pseudonyms of everything that the bundle names."""
    forms = ("{}", "protocol:{}", "group:{}")
    return {pseudonym(form.format(name)): name for name in named for form in forms}


def _unmasked(text: str, *, known: dict[str, str]) -> str:
    return known.get(text.rpartition("#")[2], text)


def _found_identity(seen: SeenFacts, *, bundle: Bundle, known: dict[str, str]) -> Finding[Identity]:
    identity = seen.identity
    if identity is None:
        return _gap(seen.identity_gap)
    key = known.get(identity.subject, f"{identity.issuer}#{identity.subject}")
    prefix = "" if identity.org in bundle.setting.house else f"{identity.org}/"
    others = (known.get(group, group).removeprefix(prefix) for group in identity.others)
    found = Identity(
        issuer=identity.issuer,
        subject=key.partition("#")[2],
        org=identity.org,
        groups=None if identity.groups is None else frozenset({*identity.groups, *others}),
        level=identity.level,
        acr=None,
        amr=(),
        auth_time=identity.auth_time,
        session_id=None,
        nonce=None,
        issued_at=seen.now,
        expires_at=identity.expires_at,
        provenance=identity.provenance,
    )
    return Proven(value=found)


def _found_device(seen: SeenFacts, *, known: dict[str, str]) -> Finding[AttestationResult]:
    device = seen.device
    if device is None:
        return _gap(seen.device_gap)
    found = AttestationResult(
        device_id=device.device_id,
        format=device.format,
        tier=device.tier,
        bound=device.bound,
        managed=device.managed,
        owner=None if device.owner is None else _unmasked(device.owner, known=known),
        appraised_by=device.appraised_by,
        expires_at=device.expires_at,
    )
    return Proven(value=found)


def _gap(missing: Missing | None) -> Unproven:
    if missing is None:
        raise ValueError("neither a proof nor a gap")
    return Unproven(gap=Gap(missing.gap), reason=_REASONS[missing.reason], detail=missing.detail)
