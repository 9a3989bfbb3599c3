"""Where Pexip handles the media of somebody who has a room: in the zone that the decision was about.

It decides nothing about the join, and a caller's word counts for nothing in it: the zone is read from the room's tag,
which was issued here, and an address only where it is the caller's own.
"""

from plugin.core.address import is_within, read_address
from plugin.platforms._pexip_parameters import Unclear, fold, one
from plugin.platforms.pexip import Media, Params, PexipSettings, Place
from plugin.platforms.pexip_fields import LOCATION, faults
from plugin.platforms.pexip_rooms import PexipRooms, read_tag
from plugin.ports import Json


def locate(params: Params, *, rooms: PexipRooms, settings: PexipSettings) -> Json | None:
    """Answer a question about a media location; None where there is nothing to say."""
    params = fold(params)
    try:
        zone = zone_of(params, rooms=rooms)
        media = settings.media.get(zone or "")
        if media is None:
            return None
        place = _place(params, media=media, settings=settings)
    except Unclear:
        return None
    result: dict[str, object] = {"location": place.location}
    if place.overflow:
        result["overflow_locations"] = list(place.overflow)
    return None if faults(result, table=LOCATION) else {"status": "success", "result": result}


def zone_of(params: Params, *, rooms: PexipRooms) -> str | None:
    """Return the zone of the room that a question is about, None where the room is not one of ours. Raises Unclear."""
    tag = read_tag(one(params, "service_tag"))
    if tag is None:
        return None
    zone, conference = tag
    return zone if rooms.find(conference, zone=zone) else None


def _place(params: Params, *, media: Media, settings: PexipSettings) -> Place:
    address = read_address(one(params, "remote_address"))
    if address is None or one(params, "location").casefold() not in settings.own_addresses:
        return media.place
    near = (place for networks, place in media.near if is_within(address, networks))
    return next(near, media.place)
