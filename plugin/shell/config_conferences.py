"""The part of `vestibule.toml` that names zones and conferences."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

from plugin.core.alias import canonical_alias
from plugin.core.directory import Directory, PatternEntry, globs_overlap
from plugin.core.facts import Conference, Separate
from plugin.platforms.pexip import Colour, Media
from plugin.shell.config_media import read_colour, read_media
from plugin.shell.config_places import NAME, LocationEntry
from plugin.shell.toml_reader import Table

# The alias stands behind the host: it is for nobody who names a conference to say where a link leads.
LINK = r"https://[A-Za-z0-9.:\[\]-]+[/?#][!-~]*\{alias\}[!-~]*"
SEPARATE = tuple(choice.value for choice in Separate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneEntry:
    """One `[[zone]]` table. `template` is the Pexip service configuration of its rooms, not yet validated.

    `link` leads people to the zone's rooms, with `{alias}` for the conference; None = nobody is sent there. `media` and
    `colour` None = the platform's own.
    """

    name: str
    inside: bool
    template: Mapping[str, object]
    place: str
    link: str | None = None
    media: Media | None = None
    colour: Colour | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomOverride:
    """What a conference changes in a zone's template. The PINs come from files."""

    fields: Mapping[str, object]
    pin: str | None = field(repr=False)
    guest_pin: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceEntry:
    """One `[[conference]]` table: exact aliases, or a pattern over the whole alias.

    `listed_for` are the organisations whose registered devices find it in their phonebook, with its `description`.
    """

    conference: Conference
    aliases: tuple[str, ...]
    pattern: str | None
    overrides: Mapping[str, RoomOverride]
    place: str
    listed_for: frozenset[str] = frozenset()
    description: str = ""


def directory_of(entries: tuple[ConferenceEntry, ...]) -> Directory:
    """Build the directory. The entries are known not to overlap."""
    return Directory(
        exact={alias: entry.conference for entry in entries for alias in entry.aliases},
        patterns=tuple(
            PatternEntry(pattern=entry.pattern, conference=entry.conference) for entry in entries if entry.pattern
        ),
    )


def read_zones(root: Table, *, locations: tuple[LocationEntry, ...]) -> tuple[ZoneEntry, ...]:
    """Read `[[zone]]`: at least one, each name once."""
    zones: list[ZoneEntry] = []
    for table in root.tables("zone"):
        name = table.text("name", pattern=NAME, expected="lower-case letters, digits and hyphens")
        inside = table.flag("inside", default=name == "core")
        if name in [zone.name for zone in zones]:
            table.problem("name", f"got `{name}` twice")
        link = table.text("link", default="", pattern=LINK, expected="an https URL, `{alias}` behind its host") or None
        zone = ZoneEntry(
            name=name,
            inside=inside,
            template=table.mapping("pexip"),
            place=table.place,
            link=link,
            media=read_media(table, locations=locations),
            colour=read_colour(table),
        )
        zones.append(zone)
        table.finish()
    if not zones:
        root.problem("zone", "missing, expected at least one `[[zone]]`")
    return tuple(zones)


def read_conferences(
    root: Table,
    *,
    zones: tuple[ZoneEntry, ...],
    house: frozenset[str],
    issuers: Mapping[str, str],
    trunks: frozenset[str],
) -> tuple[ConferenceEntry, ...]:
    """Read `[[conference]]`. Two entries that some alias would fit are a problem of the later one."""
    known = _Known(orgs=house | frozenset(issuers.values()), issuers=frozenset(issuers), trunks=trunks)
    entries = [_conference(table, zones=zones, known=known) for table in root.tables("conference")]
    for earlier, later in combinations(entries, 2):
        for one in _spellings(earlier):
            for other in _spellings(later):
                if globs_overlap(one, other):
                    root.problem(f"{later.place}.alias", f"`{other}` overlaps with `{one}` of `{earlier.place}`")
    return tuple(entries)


def check_left(root: Table, *, key: str, patterns: tuple[str, ...], entries: tuple[ConferenceEntry, ...]) -> None:
    """Note every pattern of aliases left to a platform that would take a conference of the directory with it."""
    for pattern in patterns:
        for entry in entries:
            for spelling in _spellings(entry):
                if globs_overlap(pattern, spelling):
                    root.problem(key, f"`{pattern}` overlaps with `{spelling}` of `{entry.place}`")


def check_covered(root: Table, patterns: tuple[str, ...], *, key: str, entries: tuple[ConferenceEntry, ...]) -> None:
    """Note every pattern of a caller that no conference of the directory fits."""
    spellings = [spelling for entry in entries for spelling in _spellings(entry)]
    for pattern in patterns:
        if spellings and not any(globs_overlap(pattern, spelling) for spelling in spellings):
            root.problem(
                f"{key}.conferences", f"got `{pattern}`, expected an alias or pattern that some conference has"
            )


def speaks_for(patterns: tuple[str, ...], *, entry: ConferenceEntry) -> bool:
    """Say whether a caller with these patterns may speak for the conference, or for some of a pattern's."""
    return any(globs_overlap(pattern, spelling) for pattern in patterns for spelling in _spellings(entry))


def _spellings(entry: ConferenceEntry) -> tuple[str, ...]:
    return (entry.pattern,) if entry.pattern else entry.aliases


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Who can be named in a conference's lists."""

    orgs: frozenset[str]
    issuers: frozenset[str]
    trunks: frozenset[str]


def _conference(table: Table, *, zones: tuple[ZoneEntry, ...], known: _Known) -> ConferenceEntry:
    aliases = _aliases(table)
    pattern = _pattern(table) if table.has("alias_pattern") else None
    if bool(aliases) == bool(pattern):
        table.problem("alias", "expected either `alias` or `alias_pattern`")
    ladder = table.texts("zones", required=True)
    for zone in set(ladder) - {zone.name for zone in zones}:
        table.problem("zones", f"got `{zone}`, expected zones that have a `[[zone]]` table")
    conference = Conference(
        name=aliases[0] if aliases else pattern or "",
        zones=ladder,
        classification=table.text("classification"),
        owner=table.subject("owner", issuers=known.issuers),
        hosts=_people(table, "hosts", known=known),
        invited=_people(table, "invited", known=known),
        guests=table.optional_flag("guests"),
        separate=Separate(table.choice("separate", among=SEPARATE, default=Separate.REDIRECT.value)),
        sso_group=table.text("sso_group", default="") or None,
    )
    entry = ConferenceEntry(
        conference=conference,
        aliases=aliases,
        pattern=pattern,
        overrides=_overrides(table.table("pexip"), ladder=ladder),
        place=table.place,
        listed_for=frozenset(table.texts("listed_for", required=False)),
        description=table.text("description", default=""),
    )
    table.finish()
    return entry


def _aliases(table: Table) -> tuple[str, ...]:
    if not table.has("alias"):
        return ()
    texts = table.text_or_texts("alias")
    aliases = []
    for text in texts:
        try:
            alias = canonical_alias(text)
        except ValueError as error:
            table.problem("alias", f"got `{text}`: {error}")
            continue
        if re.search(r"[*?]", text):
            table.problem("alias", f"got `{text}`, expected an exact alias; a pattern is written `alias_pattern`")
        aliases.append(alias)
    return tuple(dict.fromkeys(aliases))


def _pattern(table: Table) -> str:
    text = table.text("alias_pattern", pattern=r"[^\s\[\]]{1,250}", expected="a glob of `*`, `?` and plain characters")
    if text != text.lower():
        table.problem("alias_pattern", f"got `{text}`, expected lower case, as aliases are compared")
    return text


def _people(table: Table, name: str, *, known: _Known) -> frozenset[str]:
    """Read a list of `org:NAME`, `group:NAME`, `group:ORG/NAME`, `trunk:NAME` and `issuer#subject`."""
    entries = table.texts(name, required=False)
    for place, entry in enumerate(entries):
        if entry.startswith("org:"):
            if entry.removeprefix("org:") not in known.orgs:
                table.problem(name, f"got `{entry}`, expected one of the organisations {sorted(known.orgs)}")
        elif entry.startswith("trunk:"):
            if entry.removeprefix("trunk:") not in known.trunks:
                table.problem(name, f"got `{entry}`, expected one of the trunks {sorted(known.trunks)}")
        elif entry.startswith("group:"):
            if entry == "group:":
                table.problem(name, f"got `{entry}`, expected `group:NAME`")
        elif entry.partition("#")[0] not in known.issuers or not entry.partition("#")[2]:
            expected = "`org:NAME`, `group:NAME`, `trunk:NAME`, or `issuer#subject` of a configured issuer"
            # It is meant for a person, and a problem may end in a log.
            table.problem(f"{name}[{place}]", f"expected {expected}")
    return frozenset(entries)


def _overrides(table: Table, *, ladder: tuple[str, ...]) -> Mapping[str, RoomOverride]:
    overrides = {}
    for zone in ladder:
        room = table.table(zone)
        pin = room.secret("pin", required=False) if not room.has("pin") else None
        guest_pin = room.secret("guest_pin", required=False) if not room.has("guest_pin") else None
        fields = room.rest()
        overrides[zone] = RoomOverride(fields=fields, pin=pin, guest_pin=guest_pin)
    table.finish()
    return overrides
