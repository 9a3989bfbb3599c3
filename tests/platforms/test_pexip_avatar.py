"""The neutral picture: its form, its size, and that nobody chooses whose it is."""

from io import BytesIO

import pytest
from PIL import Image

from plugin.platforms.pexip_avatar import Avatar, draw, read_avatar
from tests.platforms.rooms import FURNISHED, ROOMS

AMBER = (0x8A, 0x6D, 0x1C)
ASKED = {"service_tag": "vestibule:meetme:board", "width": "100", "height": "80"}


def read(params: dict[str, str]) -> Avatar | None:
    return read_avatar({name: (value,) for name, value in params.items()}, rooms=ROOMS, settings=FURNISHED)


def drawn(width: int, height: int) -> Image.Image:
    return Image.open(BytesIO(draw(Avatar(colour=AMBER, width=width, height=height))))


def distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def pixel(picture: Image.Image, x: float, y: float) -> tuple[int, ...]:
    value = picture.getpixel((int(picture.width * x), int(picture.height * y)))
    assert isinstance(value, tuple)
    return value


def test_a_participant_is_shown_in_the_colour_of_the_zone() -> None:
    assert read(ASKED) == Avatar(colour=AMBER, width=100, height=80)


@pytest.mark.parametrize("tag", ["", "mine", "vestibule:core:board", "vestibule:meetme:nobodys-room"])
def test_there_is_no_picture_outside_a_zone_that_has_a_colour(tag: str) -> None:
    assert read({**ASKED, "service_tag": tag}) is None


@pytest.mark.parametrize("side", ["width", "height"])
@pytest.mark.parametrize("size", ["", "0", "-1", "1001", "1e2", "٣٠", " 40", "40.0", "9" * 400, "99999999"])
def test_a_size_that_is_none_or_too_large_is_not_drawn(side: str, size: str) -> None:
    assert read({**ASKED, side: size}) is None


def test_a_size_that_is_said_twice_is_not_drawn() -> None:
    params = {name: (value,) for name, value in ASKED.items()} | {"width": ("100", "200")}

    assert read_avatar(params, rooms=ROOMS, settings=FURNISHED) is None


@pytest.mark.parametrize(("width", "height"), [(1, 1), (40, 40), (100, 100), (200, 120), (80, 1000), (1000, 1000)])
def test_a_picture_is_a_jpeg_in_rgb_and_exactly_of_its_size(width: int, height: int) -> None:
    picture = drawn(width, height)

    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (width, height))


@pytest.mark.parametrize(("width", "height"), [(40, 40), (300, 300), (300, 200)])
def test_a_picture_shows_a_white_head_and_shoulders_on_the_colour(width: int, height: int) -> None:
    picture = drawn(width, height)
    white = (255, 255, 255)

    assert distance(pixel(picture, 0.02, 0.02), AMBER) < 16
    assert distance(pixel(picture, 0.5, 0.37), white) < 16
    assert distance(pixel(picture, 0.5, 0.58), white) > 60
    assert distance(pixel(picture, 0.5, 0.95), white) < 16
