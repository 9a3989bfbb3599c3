"""Whether the rooms that Pexip is told of are valid, distinct, and refuse what the policies refuse in them."""

from collections.abc import Hashable, Mapping

from plugin.core.decision import Capability
from plugin.core.directory import glob_covers
from plugin.core.enforcement import Grain, of_grain
from plugin.platforms.pexip import ENFORCEMENT
from plugin.platforms.pexip_rooms import PexipRooms, RoomFaults, Template, build_template
from plugin.policy.bundle import Bundle
from plugin.policy.reach import lacking, shape
from plugin.shell.config import Config
from plugin.shell.config_conferences import ConferenceEntry, RoomOverride, directory_of, speaks_for
from plugin.shell.toml_reader import Problems

NO_OVERRIDE = RoomOverride(fields={}, pin=None, guest_pin=None)


def build_rooms(config: Config, *, problems: Problems) -> PexipRooms:
    """Build the template of every room, and note what is wrong with those that cannot be built."""
    zones = {}
    for zone in config.zones:
        if _template(zone.template, NO_OVERRIDE, place=f"{zone.place}.pexip", problems=problems):
            zones[zone.name] = zone.template
    exact, patterns = {}, {}
    for entry in config.conferences:
        templates = _templates(entry, zones=zones, problems=problems)
        if entry.pattern:
            patterns[entry.pattern] = templates
        else:
            exact[entry.conference.name] = templates
    rooms = PexipRooms(directory=directory_of(config.conferences), exact=exact, patterns=patterns)
    _check_names(config, rooms=rooms, problems=problems)
    return rooms


def check_restrictions(config: Config, *, bundle: Bundle, rooms: PexipRooms, problems: Problems) -> None:
    """Note every room in which a platform could not keep somebody from what policies refuse them."""
    known: dict[Hashable, frozenset[Capability]] = {}
    for entry in config.conferences:
        form = shape(bundle, entry.conference)
        for zone in entry.conference.zones:
            given = {**_by_pexip(config, entry, zone=zone, rooms=rooms), **_by_callers(config, entry, zone=zone)}
            among = frozenset(capability for _, capability in given)
            if (form, zone, among) not in known:
                known[form, zone, among] = lacking(bundle, conference=entry.conference, zone=zone, among=among)
            for (key, capability), message in given.items():
                if capability in known[form, zone, among]:
                    problems.add(key, message)


Given = dict[tuple[str, Capability], str]
"""What somebody gets in a room whatever policies say: where that is set, which capability, and how to say so."""


def _by_pexip(config: Config, entry: ConferenceEntry, *, zone: str, rooms: PexipRooms) -> Given:
    if config.pexip is None:
        return {}
    templates = rooms.patterns[entry.pattern] if entry.pattern else rooms.exact[entry.conference.name]
    of_room = templates[zone].grants & of_grain(Grain.ROOM, enforcement=ENFORCEMENT)
    always = of_grain(Grain.NEVER, enforcement=ENFORCEMENT)
    return {
        (f"{entry.place}.pexip.{zone}", capability): (
            f"the room gives `{capability.value}` to all its guests, and policies refuse it to some"
        )
        for capability in _sorted(of_room | always)
    }


def _by_callers(config: Config, entry: ConferenceEntry, *, zone: str) -> Given:
    callers = [caller.rights for caller in config.callers if speaks_for(caller.rights.conferences, entry=entry)]
    return {
        (f"caller.{caller.name}.enforces", capability): (
            f"lacks `{capability.value}`, which policies refuse to some in zone `{zone}` of `{entry.place}`"
        )
        for caller in callers
        for capability in _sorted(of_grain(Grain.NEVER, enforcement=caller.enforcement))
    }


def _sorted(capabilities: frozenset[Capability]) -> list[Capability]:
    return sorted(capabilities, key=lambda one: one.value)


def _templates(
    entry: ConferenceEntry, *, zones: Mapping[str, Mapping[str, object]], problems: Problems
) -> dict[str, Template]:
    templates = {}
    for zone, override in entry.overrides.items():
        if zone not in zones:
            continue  # noted where the zone was read
        template = _template(zones[zone], override, place=f"{entry.place}.pexip.{zone}", problems=problems)
        if template:
            templates[zone] = template
    return templates


def _template(zone: Mapping[str, object], override: RoomOverride, *, place: str, problems: Problems) -> Template | None:
    try:
        return build_template(zone, override.fields, pin=override.pin, guest_pin=override.guest_pin)
    except RoomFaults as found:
        for fault in found.faults:
            problems.add(f"{place}.{fault.field}", fault.message)
        return None


def _check_names(config: Config, *, rooms: PexipRooms, problems: Problems) -> None:
    """Note two rooms of one name: Pexip would take them for one service, and bring their people together."""
    taken: dict[str, str] = {}
    patterns = [entry.pattern for entry in config.conferences if entry.pattern]
    for entry in config.conferences:
        for zone in entry.conference.zones:
            place = f"{entry.place}.pexip.{zone}.name"
            name = _name(entry, zone=zone, rooms=rooms)
            if name is None and not entry.pattern and not problems.found:
                problems.add(place, "the name or the tag made of the alias is too long, expected a shorter alias")
            if name is None:
                continue
            folded = name.casefold()
            if folded in taken:
                problems.add(place, f"got `{name}`, which is the name of `{taken[folded]}` too")
            if entry.pattern or any(glob_covers(pattern, folded) for pattern in patterns):
                problems.add(place, f"got `{name}`, expected a name of one room only, outside every alias pattern")
            taken[folded] = place


def _name(entry: ConferenceEntry, *, zone: str, rooms: PexipRooms) -> str | None:
    """Return the room's name; for a pattern only one that is set, since the others are named after their alias."""
    if entry.pattern:
        template = rooms.patterns[entry.pattern].get(zone)
        return template.name if template else None
    room = rooms.find(entry.conference.name, zone=zone)
    return room.name if room else None
