"""What is wrong with a Pexip platform, as its manager describes it: each way past this house, and what it opens.

A pure function of what was read. It never says that all is well of something that could not be read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from plugin.core.alias import canonical_alias
from plugin.core.directory import glob_covers
from plugin.platforms._pexip_patterns import read_expression
from plugin.platforms.pexip_manager import Dialled, Estate, Location, Profile, Related, Rule, Service, is_same, uri_of
from plugin.platforms.pexip_rooms import OF_ZONE

KNOWN_VERSIONS = range(35, 40)
"""The major versions whose documents this house was written from (deploy/pexip/README.md)."""
MOST_SHOWN = 80


class Kind(Enum):
    """What a finding is about: a closed list, since it labels a metric."""

    LOCATION = "location"
    SWITCH = "switch"
    SCRIPT = "script"
    ALIAS = "alias"
    RULE = "rule"
    DIALLED = "dialled"
    IDP = "idp"
    VERSION = "version"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong. `fault` = it opens something, or what is counted on is not there; else it may be meant so."""

    kind: Kind
    fault: bool
    subject: str
    found: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What this house's configuration expects of the platform.

    `names` are the aliases of its conferences, `patterns` globs over such aliases; `room_names` leads from what else a
    room is named (folded) to its conference. The scripts are those that it ships, as they belong into a profile. The
    flags say whether the configuration has anything to answer there.
    """

    policy_url: str
    names: frozenset[str]
    patterns: tuple[str, ...]
    room_names: Mapping[str, str]
    service_script: str
    participant_script: str
    idps: frozenset[str] = frozenset()
    registers: bool = False
    lists: bool = False
    places: bool = False
    pictures: bool = False


def judge(estate: Estate, *, expected: Expected) -> tuple[Finding, ...]:
    """Name everything that is wrong, in the order of how far it opens."""
    return (
        *_unread(estate),
        *_locations(estate, expected=expected),
        *_profiles(estate, expected=expected),
        *_aliases(estate, expected=expected),
        *_rules(estate, expected=expected),
        *_dialled(estate, expected=expected),
        *_idps(estate, expected=expected),
        *_versions(estate),
    )


def _unread(estate: Estate) -> Iterator[Finding]:
    for resource, problem in estate.unread.items():
        advice = "nothing is known of it: see the address, the account's rights and the manager's certificate"
        yield Finding(kind=Kind.UNREAD, fault=True, subject=resource.value, found=problem, advice=advice)


def _locations(estate: Estate, *, expected: Expected) -> Iterator[Finding]:
    advice = f"assign the profile of {expected.policy_url} to it: calls that reach its nodes are not judged"
    for location in estate.locations:
        profile = _profile_of(location, profiles=estate.profiles)
        if profile is None:
            found = "has no policy profile" if not uri_of(location.policy_server) else "has a profile that is not there"
        elif _folded(profile.url) != _folded(expected.policy_url):
            found = f"its profile `{_shown(profile.name)}` asks `{_shown(profile.url)}`, expected {expected.policy_url}"
        else:
            continue
        yield Finding(
            kind=Kind.LOCATION, fault=True, subject=f"location {_shown(location.name)}", found=found, advice=advice
        )


def _profile_of(location: Location, *, profiles: tuple[Profile, ...]) -> Profile | None:
    uri = uri_of(location.policy_server)
    return next((profile for profile in profiles if is_same(profile.resource_uri, uri)), None)


def _profiles(estate: Estate, *, expected: Expected) -> Iterator[Finding]:
    """Look at the profiles of this house that some location uses. One that none uses does nothing."""
    for profile in estate.profiles:
        is_ours = _folded(profile.url) == _folded(expected.policy_url)
        if is_ours and any(_profile_of(place, profiles=(profile,)) for place in estate.locations):
            yield from _switches(profile, expected=expected)
            yield from _scripts(profile, expected=expected)


def _switches(profile: Profile, *, expected: Expected) -> Iterator[Finding]:
    # name, whether it is on, whether it has to be, what its being off opens
    switches = (
        ("service configuration", profile.enable_service_lookup, True, "no call is judged"),
        ("participant", profile.enable_participant_lookup, True, "nobody is checked at the door of the room"),
        ("registration", profile.enable_registration_lookup, expected.registers, "Pexip decides who registers"),
        ("directory", profile.enable_directory_lookup, expected.lists, "Pexip's own phonebook is shown"),
        ("media location", profile.enable_media_location_lookup, expected.places, "Pexip chooses where media goes"),
        ("avatar", profile.enable_avatar_lookup, expected.pictures, "Pexip's placeholders are shown"),
    )
    for name, is_on, has_to_be, opens in switches:
        # Without an answer of ours, pictures and places stay what they are: that is nobody's way in.
        if is_on or (not has_to_be and name in {"media location", "avatar"}):
            continue
        yield Finding(
            kind=Kind.SWITCH,
            fault=has_to_be,
            subject=f"profile {_shown(profile.name)}",
            found=f"{name} lookup is off: {opens}",
            advice="turn it on",
        )


def _scripts(profile: Profile, *, expected: Expected) -> Iterator[Finding]:
    scripts = (
        (
            "service configuration",
            profile.enable_internal_service_policy,
            profile.internal_service_policy_template,
            expected.service_script,
            "dead-man-service.jinja",
        ),
        (
            "participant",
            profile.enable_internal_participant_policy,
            profile.internal_participant_policy_template,
            expected.participant_script,
            "dead-man-participant.jinja",
        ),
    )
    for name, is_on, text, shipped, file in scripts:
        if not is_on:
            found = f"local {name} policy is off: a lost answer admits"
        elif _blank(text or "") != _blank(shipped):
            found = f"its local {name} policy is not {file}: what it says last is not known here"
        else:
            continue
        yield Finding(
            kind=Kind.SCRIPT,
            fault=True,
            subject=f"profile {_shown(profile.name)}",
            found=found,
            advice=f"turn it on with {file} whole",
        )


def _aliases(estate: Estate, *, expected: Expected) -> Iterator[Finding]:
    """Name the protected name, not the platform's alias: that may be somebody's address."""
    advice = "take it out of Pexip's database: it opens as soon as an answer is lost"
    for name in _protected(estate, expected=expected):
        yield Finding(
            kind=Kind.ALIAS, fault=True, subject=f"alias {name}", found="is in Pexip's own database", advice=advice
        )


def _protected(estate: Estate, *, expected: Expected) -> list[str]:
    by_alias = {name for entry in estate.aliases for name in _covering(entry.alias, expected=expected)}
    by_name = {name for service in estate.services for name in _named(service, expected=expected)}
    return sorted(by_alias | by_name)


def _named(service: Service, *, expected: Expected) -> Iterator[str]:
    """Name what a service is named after: whoever enters it meets those whom an answer leads to a room of that name."""
    if (name := service.name.casefold()) in expected.room_names:
        yield expected.room_names[name]
    for text in (service.name, service.name.partition(OF_ZONE)[0]):
        yield from _covering(text, expected=expected)


def _covering(text: str, *, expected: Expected) -> list[str]:
    """Name the protected names that a text of the platform's is one of."""
    try:
        alias = canonical_alias(text)
    except ValueError:
        return []  # no call's alias is like it
    patterns = [pattern for pattern in expected.patterns if glob_covers(pattern, alias)]
    return [alias, *patterns] if alias in expected.names else patterns


def _rules(estate: Estate, *, expected: Expected) -> Iterator[Finding]:
    for rule in estate.rules:
        subject = f"routing rule {_shown(rule.name)}"
        if rule.enable and rule.match_incoming_calls and (names := _names_of_rule(rule, expected=expected)):
            advice = "narrow it, with `^` and `$`, or turn it off: it routes calls whose answer is lost"
            found = f"may fit {', '.join(names[:3])}{' and others' if len(names) > 3 else ''}"  # noqa: PLR2004 - enough to find it
            yield Finding(kind=Kind.RULE, fault=True, subject=subject, found=found, advice=advice)
        if rule.enable and rule.match_outgoing_calls:
            advice = "turn it off if no conference is to call anybody: see `vestibule check` for what policies allow"
            yield Finding(kind=Kind.RULE, fault=False, subject=subject, found="routes calls out", advice=advice)


def _names_of_rule(rule: Rule, *, expected: Expected) -> list[str]:
    # With `match_string_full` a scheme and parameters may stand around the alias.
    form = "*{}*" if rule.match_string_full else "{}"
    reading = read_expression(rule.match_string)
    protected = (*sorted(expected.names), *expected.patterns)
    return [name for name in protected if any(reading.may_fit(form.format(one)) for one in _spellings(name))]


def _spellings(name: str) -> set[str]:
    """Return a name and what it is where its domain is not written in A-labels: a call comes with either."""
    local, at, domain = name.rpartition("@")
    labels = [_u_label(label) for label in domain.split(".")]
    return {name, f"{local}{at}{'.'.join(labels)}"} if at else {name}


def _u_label(label: str) -> str:
    try:
        return label.encode("ascii").decode("idna")
    except UnicodeError:
        return label  # part of a pattern


def _dialled(estate: Estate, *, expected: Expected) -> Iterator[Finding]:
    advice = "take it out: it brings somebody in whom nobody has judged"
    for somebody in estate.dialled:
        names = sorted({name for uri in _uris(somebody) for name in _names_of_service(uri, estate, expected=expected)})
        if names:
            subject = f"automatic participant {somebody.id}"
            found = f"is called into {names[0]}"
            yield Finding(kind=Kind.DIALLED, fault=True, subject=subject, found=found, advice=advice)


def _uris(somebody: Dialled) -> Iterable[str]:
    several: tuple[Related, ...] = somebody.conference if isinstance(somebody.conference, tuple) else ()
    return [uri_of(one) for one in several] if several else [uri_of(_single(somebody))]


def _single(somebody: Dialled) -> Related:
    return None if isinstance(somebody.conference, tuple) else somebody.conference


def _names_of_service(uri: str, estate: Estate, *, expected: Expected) -> Iterator[str]:
    for entry in estate.aliases:
        if is_same(uri_of(entry.conference), uri):
            yield from _covering(entry.alias, expected=expected)
    for service in estate.services:
        if is_same(service.resource_uri, uri):
            yield from _named(service, expected=expected)


def _idps(estate: Estate, *, expected: Expected) -> Iterator[Finding]:
    there = {idp.uuid.lower() for idp in estate.idps}
    advice = "correct `[[pexip.idp]] uuid`, or the provider in Pexip: people whom it signs in are known to nobody"
    for uuid in sorted(expected.idps - there):
        yield Finding(kind=Kind.IDP, fault=True, subject=f"idp {uuid}", found="is not in Pexip", advice=advice)


def _versions(estate: Estate) -> Iterator[Finding]:
    for version in sorted({node.version for node in estate.nodes}):
        major = re.match(r"v?(\d{1,4})(?!\d)", version)
        if major is None or int(major[1]) not in KNOWN_VERSIONS:
            known = f"{KNOWN_VERSIONS[0]} to {KNOWN_VERSIONS[-1]}"
            found = f"`{_shown(version)}` runs, and this service was written for {known}"
            advice = "run the live check of deploy/pexip/README.md again"
            yield Finding(kind=Kind.VERSION, fault=False, subject="version", found=found, advice=advice)


def _folded(url: str) -> str:
    """Bring a URL to one spelling: its scheme and host alone know no case (RFC 3986 6.2.2.1)."""
    scheme, separator, rest = url.rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}{separator}{host.lower()}{slash}{path}"


def _blank(text: str) -> str:
    """Take differences in white space away, which copying into a form makes; nothing else, comments least of all."""
    return " ".join(text.split())


def _shown(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:MOST_SHOWN])
