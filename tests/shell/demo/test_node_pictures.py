"""Pictures for the roster: the simulated node takes a JPEG in colour of the exact size, made here by libjpeg."""

import subprocess

import pytest

from plugin.shell.demo.node_pictures import problem_of_picture

pytestmark = pytest.mark.component("cjpeg")


def jpeg(*options: str, width: int = 24, height: int = 16) -> bytes:
    pixels = b"P6\n%d %d\n255\n" % (width, height) + bytes([12, 99, 180]) * (width * height)
    return subprocess.run(["cjpeg", *options], input=pixels, capture_output=True, check=True).stdout


@pytest.mark.parametrize("option", ["-optimize", "-progressive", "-arithmetic"])
def test_a_picture_of_the_size_is_taken(option: str) -> None:
    assert problem_of_picture(jpeg(option), width=24, height=16) == ""


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        (lambda: jpeg(width=16, height=24), "the picture is 16 by 24, and not 24 by 16"),
        (lambda: jpeg("-grayscale"), "the picture is not in colour"),
        (lambda: jpeg()[:40], "the picture is not a JPEG"),
        (lambda: b"\x89PNG" + jpeg(), "the picture is not a JPEG"),
        (lambda: b"", "the picture is not a JPEG"),
    ],
)
def test_any_other_picture_is_not(picture: object, problem: str) -> None:
    assert callable(picture)
    assert problem_of_picture(picture(), width=24, height=16) == problem
