"""`vestibule demo`, run as a newcomer and as CI run it: a process of its own, in a folder of its own."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from plugin.shell.demo.clock import ZONE
from plugin.shell.demo.people import PEOPLE
from tests.shell.demo.process import COMMAND, SECONDS, environment, running


def play_once(folder: Path, *, port: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--once", "--port", str(port)],
        cwd=folder,
        env={**environment(folder), **more},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """One run of `--once`, asked for a port that was taken."""

    finished: subprocess.CompletedProcess[str]
    folder: Path
    port: int


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    folder = tmp_path_factory.mktemp("once")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        return Once(finished=play_once(folder, port=port), folder=folder, port=port)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("page")) as (_, address):
        yield address


def joins(page: str) -> list[dict[str, object]]:
    with urlopen(f"{page}/demo/joins") as answer:  # noqa: S310 - the demo's own address
        told: list[dict[str, object]] = json.load(answer)["joins"]
        return told


def test_everybody_meets_the_expected_fate(once: Once) -> None:
    rows = [line.split() for line in once.finished.stdout.splitlines()]

    fates = {row[0]: row[2:6] for row in rows if row and row[0] in {person.name for person in PEOPLE}}
    assert once.finished.returncode == 0, once.finished.stdout + once.finished.stderr
    assert fates == {
        "Alice": ["allow", "core", "Host", "yes"],
        "Bob": ["redirect", "meetme", "Guest", "yes"],
        "Carol": ["deny", "-", "-", "yes"],
        "Dan": ["redirect", "meetme", "Guest", "yes"],
        "Eve": ["deny", "-", "-", "yes"],
        "Frank": ["deny", "-", "-", "yes"],
    }


def test_nothing_is_left_behind(once: Once) -> None:
    assert list(once.folder.iterdir()) == []


def test_it_says_that_it_is_a_demo_and_what_its_clock_shows(once: Once) -> None:
    assert "D E M O     throw-away keys, loopback only" in once.finished.stdout
    assert "The demo's clock runs from Tuesday 10:00, Europe/Oslo." in once.finished.stdout


def test_a_port_that_is_taken_is_said_and_another_one_used(once: Once) -> None:
    assert f"Port {once.port} is not free" in once.finished.stdout


def test_it_does_not_run_beside_a_production_configuration(tmp_path: Path) -> None:
    (tmp_path / "vestibule.toml").write_text("")

    finished = play_once(tmp_path)

    assert finished.returncode == 1
    assert "beside a production configuration: this folder has a `vestibule.toml`" in finished.stderr


def test_it_does_not_run_where_a_production_configuration_is_named(tmp_path: Path) -> None:
    finished = play_once(tmp_path, VESTIBULE_CONFIG="/etc/vestibule.toml")

    assert finished.returncode == 1
    assert "the variable VESTIBULE_CONFIG is set" in finished.stderr


def test_the_page_tells_of_six_joins_that_went_as_expected(page: str) -> None:
    first = joins(page)[: len(PEOPLE)]

    assert [join["number"] for join in first if join["is_as_expected"]] == [1, 2, 3, 4, 5, 6]


def test_an_admitted_persons_questions_are_all_of_one_trace(page: str) -> None:
    records = joins(page)[0]["records"]

    assert isinstance(records, list)
    assert [record["phase"] for record in records] == ["room"] * 3 + ["participant"] * 2
    assert len({record["trace_id"] for record in records}) == 1


def tried(page: str, **chosen: str) -> dict[str, Any]:
    attempt = {"person": "Alice", "laptop": "own", "moment": "morning", "network": "office", "conference": "board"}
    body = json.dumps({**attempt, **chosen}).encode()
    with urlopen(Request(f"{page}/demo/attempts", data=body)) as answer:  # noqa: S310 - the demo's own address
        told: dict[str, Any] = json.load(answer)
        return told


def dan(**chosen: str) -> dict[str, str]:
    return {"person": "Dan", "laptop": "none", "conference": "joint-review", **chosen}


@pytest.mark.parametrize(
    ("chosen", "outcome", "zone", "reason"),
    [
        ({}, "allow", "core", "permitted"),
        ({"person": "Frank", "laptop": "none"}, "deny", None, "guests-not-chosen"),
        ({"person": "Frank", "laptop": "none", "conference": "town-hall"}, "redirect", "meetme", "seated-outside"),
        ({"person": "Frank"}, "deny", None, "nothing-presented"),
        ({"person": "Carol"}, "deny", None, "step-up"),
        ({"laptop": "none"}, "redirect", "meetme", "inner-zone-refused"),
        ({"laptop": "other"}, "deny", None, "device-owner"),
        ({"moment": "sunday"}, "allow", "core", "permitted"),
        (dan(), "redirect", "meetme", "seated-outside"),
        (dan(laptop="own"), "redirect", "meetme", "seated-outside"),
        (dan(moment="evening"), "deny", None, "no-permit"),
        (dan(moment="sunday"), "deny", None, "no-permit"),
        ({"network": "abroad"}, "allow", "core", "permitted"),
        ({"network": "sanctioned-network"}, "deny", None, "forbidden"),
        ({"network": "sanctioned-country"}, "deny", None, "forbidden"),
        ({"network": "unlocated"}, "deny", None, "forbidden"),
        ({"conference": "personnel"}, "deny", None, "forbidden"),
        ({"conference": "pool-party"}, "deny", None, "conference-unknown"),
    ],
)
def test_a_tried_join_is_judged_by_what_was_chosen(
    page: str, chosen: dict[str, str], outcome: str, zone: str | None, reason: str
) -> None:
    join = tried(page, **chosen)

    record = join["decisive"]
    assert (record["outcome"], record["zone"]) == (outcome, zone)
    assert reason in [mark["code"] for mark in record["reasons"]]
    assert (join["end"]["room"] is None) == (zone is None)


def test_a_tried_join_is_decided_at_the_moment_that_was_chosen(page: str) -> None:
    decided_at = datetime.fromisoformat(tried(page, moment="sunday")["decisive"]["decided_at"]).astimezone(ZONE)

    assert (decided_at.strftime("%A"), decided_at.hour, decided_at.minute) == ("Sunday", 12, 0)


def test_every_question_that_decides_has_its_steps_in_the_order_in_which_they_began(page: str) -> None:
    questions = tried(page)["questions"]

    names = [[step["name"] for step in asked["steps"]] for asked in questions]
    proven, room = ["read", "device", "identity", "write"], ["read", "identity", "device", "judge", "write"]
    assert names == [proven, *[room] * 5, [], []]
    for asked in questions:
        began = [step["began"] for step in asked["steps"]]
        assert began == sorted(began)


def test_it_can_be_played_again(page: str) -> None:
    with urlopen(f"{page}/demo/events") as events:  # noqa: S310 - the demo's own address
        events.readline()

        with urlopen(Request(f"{page}/demo/play", method="POST")):  # noqa: S310 - the demo's own address
            pass

        changes = (json.loads(line.removeprefix(b"data: ")) for line in events if line.startswith(b"data: "))
        again = next(join for join in changes if join.get("number", 0) > len(PEOPLE) and join["end"])
    assert (again["person"]["name"], again["is_as_expected"]) == ("Alice", True)


def test_ctrl_c_ends_it_even_while_a_page_is_watching(tmp_path: Path) -> None:
    with running(tmp_path) as (process, address), urlopen(f"{address}/demo/events"):  # noqa: S310 - its own address
        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=SECONDS) == 0
