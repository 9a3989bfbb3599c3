"""The picture that Pexip shows of somebody without one: a silhouette in the colour of the zone that they are in.

It is the same for everybody in a zone and is never chosen by an alias or a name, so nobody can look like another.
"""

from dataclasses import dataclass
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw

from plugin.platforms._pexip_parameters import Unclear, fold, whole
from plugin.platforms.pexip import Colour, Params, PexipSettings
from plugin.platforms.pexip_media import zone_of
from plugin.platforms.pexip_rooms import PexipRooms

MOST_PIXELS = 1_000  # on a side
_WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Avatar:
    """A picture that can be drawn."""

    colour: Colour
    width: int
    height: int


def read_avatar(params: Params, *, rooms: PexipRooms, settings: PexipSettings) -> Avatar | None:
    """Read a question about a picture; None where there is none, or not in that size."""
    params = fold(params)
    try:
        zone, width, height = zone_of(params, rooms=rooms), whole(params, "width"), whole(params, "height")
    except Unclear:
        return None
    colour = settings.colours.get(zone or "")
    fits = 0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS
    return Avatar(colour=colour, width=width, height=height) if colour and fits else None


def draw(avatar: Avatar) -> bytes:
    """Draw a picture as JPEG, in RGB and exactly of its size, as Pexip asks for it. Takes some 20 ms at most."""
    side = min(avatar.width, avatar.height)
    shape = _silhouette().resize((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    picture = Image.new("RGB", (avatar.width, avatar.height), avatar.colour)
    # In the middle, and standing on the lower edge.
    picture.paste(_WHITE, ((avatar.width - side) // 2, avatar.height - side), shape)
    written = BytesIO()
    picture.save(written, format="JPEG", quality=90)
    return written.getvalue()


@cache
def _silhouette() -> Image.Image:
    """Draw head and shoulders once, large enough that every size is made by making it smaller."""
    shape = Image.new("L", (2 * MOST_PIXELS, 2 * MOST_PIXELS))
    pen = ImageDraw.Draw(shape)
    pen.ellipse((640, 380, 1360, 1100), fill=255)
    pen.ellipse((320, 1240, 1680, 2760), fill=255)
    return shape.resize((MOST_PIXELS, MOST_PIXELS), Image.Resampling.LANCZOS)
