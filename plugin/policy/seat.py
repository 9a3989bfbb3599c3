"""Where a meeting is seated, and which rooms lie outward of it.

The seat depends on the conference's entry alone, never on who calls: so both sides really meet.
"""

from plugin.core.facts import Conference
from plugin.policy.setting import Setting


def seat(conference: Conference, *, setting: Setting) -> int:
    """Return the rung that the meeting is seated at; one past the last where it has no room outside but needs one."""
    if not expects_outsiders(conference, setting=setting):
        return 0
    outside = (rung for rung, zone in enumerate(conference.zones) if zone not in setting.inside)
    return next(outside, len(conference.zones))


def outward(conference: Conference, *, setting: Setting) -> tuple[str, ...]:
    """Return the zones to try, from the seat outward: once outside the boundary, never inside again."""
    zones = conference.zones[seat(conference, setting=setting) :]
    left = next((rung for rung, zone in enumerate(zones) if zone not in setting.inside), len(zones))
    return zones[:left] + tuple(zone for zone in zones[left:] if zone not in setting.inside)


def expects_outsiders(conference: Conference, *, setting: Setting) -> bool:
    """Say whether the entry names anybody who is not known to be of the house, or takes guests."""
    entries = conference.invited | conference.hosts
    return conference.guests is True or any(_names_outsider(entry, setting=setting) for entry in entries)


def _names_outsider(entry: str, *, setting: Setting) -> bool:
    kind, _, name = entry.partition(":")
    if kind == "org":
        return name not in setting.house
    if kind == "group":
        return setting.partner_of(name) is not None
    if kind == "trunk":
        return name not in setting.room_systems
    issuer, _, _ = entry.partition("#")
    return setting.issuers.get(issuer) not in setting.house
