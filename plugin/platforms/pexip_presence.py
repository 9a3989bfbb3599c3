"""Who is in a protected meeting, as the manager's list of participants says it.

The tag of a room, and an alias, say that a meeting is protected; they never say that somebody was admitted to it. That
is told by the call's id alone, and not here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from plugin.core.directory import Directory
from plugin.core.facts import Conference
from plugin.platforms._pexip_parameters import alias_of
from plugin.platforms.pexip_manager import Participant
from plugin.platforms.pexip_rooms import OF_ZONE, read_tag

NOT_IN_YET = frozenset({"connecting", "waiting_room", "ivr"})
"""The services of somebody who has a call, and is not in the room yet: at a prompt, or where a host admits them."""
OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Somebody in a protected meeting, or who asked for one and is elsewhere now.

    A decision about one of `zones` has to have admitted them; empty = no decision could have. `issued_here` = the room
    is one of this house. `participant_id` is the manager's own name for them, by which an administrator finds them.
    `entry` = what the configuration calls the conference: alone of the two, it may be told.
    """

    participant_id: str
    call_id: str
    conference: str
    entry: str
    zones: tuple[str, ...]
    issued_here: bool
    called_out: bool

    @property
    def meeting(self) -> tuple[str, tuple[str, ...]]:
        """Where they are, whoever they are."""
        return self.conference, self.zones


def present(
    participants: Iterable[Participant], *, directory: Directory, room_names: Mapping[str, str]
) -> Iterator[Present]:
    """Name everybody who is in a meeting of the directory, or in a room that has a tag of ours.

    `room_names` leads from the names (folded) that rooms of the directory have beside their conferences' to those.
    """
    for somebody in participants:
        if somebody.service_type in NOT_IN_YET:
            continue
        issued = read_tag(somebody.service_tag)
        room = (
            ((issued[0],), issued[1])
            if issued
            else _room_of_the_platform(somebody, directory=directory, room_names=room_names)
        )
        if room is not None:
            zones, conference = room
            yield Present(
                participant_id=somebody.id,
                call_id=somebody.call_uuid,
                conference=conference,
                entry=directory.entry_name(conference),
                zones=zones,
                issued_here=issued is not None,
                called_out=somebody.call_direction == OUT,
            )


def _room_of_the_platform(
    somebody: Participant, *, directory: Directory, room_names: Mapping[str, str]
) -> tuple[tuple[str, ...], str] | None:
    """Find the conference that a room of the platform's own is named after, or was dialled as.

    Who dialled it and was admitted may have been moved on since, and keeps the alias. What a room has called is no
    name of the room.
    """
    if name := room_names.get(somebody.conference.casefold()):
        return (), name
    for name in (somebody.conference, somebody.conference.partition(OF_ZONE)[0]):
        if conference := _find(name, directory=directory):
            return (), conference.name
    dialled = None if somebody.call_direction == OUT else _find(somebody.destination_alias, directory=directory)
    return (dialled.zones, dialled.name) if dialled else None


def _find(text: str, *, directory: Directory) -> Conference | None:
    alias = alias_of(text)
    return directory.find(alias) if alias else None
