"""The part of a `[[zone]]` table that says what its rooms look like and where their media is handled."""

from plugin.platforms.pexip import Colour, Media, Place
from plugin.platforms.pexip_fields import text
from plugin.shell.config_places import LocationEntry
from plugin.shell.toml_reader import Table


def read_media(zone: Table, *, locations: tuple[LocationEntry, ...]) -> Media | None:
    """Read `media`, `overflow` and `[[zone.near]]`; None = Pexip chooses the location by itself."""
    names = [location.name for location in locations]
    if not zone.has("media") and not zone.has("overflow") and not zone.has("near"):
        return None
    place, near = _place(zone, names=names), []
    for table in zone.tables("near"):
        networks = table.networks("networks")
        if not networks:
            table.problem("networks", "missing, expected the networks of the callers who are near")
        near.append((networks, _place(table, names=names)))
        table.finish()
    return Media(place=place, near=tuple(near))


def read_colour(zone: Table) -> Colour | None:
    """Read `avatar`; None = Pexip draws its own placeholder."""
    if not zone.has("avatar"):
        return None
    colour = zone.text("avatar", pattern=r"#[0-9a-fA-F]{6}", expected="a colour such as `#2e7d5b`")
    red, green, blue = bytes.fromhex(colour.removeprefix("#") or "000000")
    return red, green, blue


def _place(table: Table, *, names: list[str]) -> Place:
    """Read a location with those that it overflows to. One that Pexip does not have costs the whole answer."""
    location, overflow = table.text("media", expected="a location"), table.texts("overflow", required=False)
    for key, name in (("media", location), *(("overflow", name) for name in overflow)):
        if name and (name not in names or text(name) is not None):
            table.problem(key, f"got `{name}`, expected the `name` of a `[[location]]`, exactly as it stands there")
    if location in overflow:
        table.problem("overflow", f"got `{location}`, which is the location itself")
    return Place(location=location, overflow=overflow)
