"""Whether a picture is one that a conferencing node shows: a JPEG in colour, of exactly the size that was asked for.

It reads the picture's own header (ITU-T T.81 annex B), and draws nothing.
"""

from collections.abc import Iterator

START = b"\xff\xd8"
SCAN = 0xDA
# Start of frame; the three that are left out are no frames (tables, and a reserved one).
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
COLOURS = 3


def problem_of_picture(picture: bytes, *, width: int, height: int) -> str:
    """Say why a node would draw its placeholder instead; empty where it takes the picture."""
    frame = next((segment for marker, segment in _segments(picture) if marker in FRAMES), b"")
    if len(frame) < 6:  # noqa: PLR2004 - precision, height, width, components (T.81 B.2.2)
        return "the picture is not a JPEG"
    size = int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3])
    if size != (width, height):
        return f"the picture is {size[0]} by {size[1]}, and not {width} by {height}"
    return "" if frame[5] == COLOURS else "the picture is not in colour"


def _segments(picture: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the segments before the image itself, each with its marker."""
    at = len(START)
    while picture.startswith(START) and len(picture) >= at + 4 and picture[at] == 0xFF:  # noqa: PLR2004 - T.81 B.1.1.2
        marker, length = picture[at + 1], int.from_bytes(picture[at + 2 : at + 4])
        if marker == SCAN or length < 2:  # noqa: PLR2004 - a length counts its own two bytes
            return
        yield marker, picture[at + 4 : at + 2 + length]
        at += 2 + length
