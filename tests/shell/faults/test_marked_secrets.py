"""One run of the real process in which everything secret or personal is marked, and a search for the marks as bytes.

Every logger is at DEBUG. Searched is all that the process leaves behind or says to somebody who did not say it first:
its log, its files, the spans as they came to a collector, what monitoring reads, its answers, and what the commands
print about all this.
"""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGHUP, SIGTERM

from tests.shell.collector import Collector
from tests.shell.faults import told
from tests.shell.faults.marked import Marks
from tests.shell.faults.process import SERVE, Running, Site, site
from tests.shell.manager import simulated
from tests.shell.scraping import OPENMETRICS
from tests.shell.world import REPOSITORY

REFUSED = "configuration refused, the one before goes on deciding"
POLICIES = REPOSITORY / "deploy" / "policies"

TALKATIVE = (sys.executable, str(Path(__file__).with_name("talkative.py")))
CONFERENCES = '[conference.pexip.meetme]\nguest_pin_file = "secrets/guest-pin"\n'
PEXIP = """
next_password_file = "secrets/pexip-next"
[pexip.manager]
url = "{manager}"
username = "reader"
password_file = "secrets/manager"
watch_minutes = 1
[[registration]]
alias = "*@rooms.example.com"
org = "acme"
auth = "credentials"
username = "rooms"
password_file = "secrets/rooms"
"""
# What a file says that a service reads again, and cannot use: problems of all kinds, and a file that is no TOML.
FAULTY = (
    ('username = "pexip"', 'username = "pexip"\npassword = "{mark}"\napi_key = "{mark}"'),
    ('endpoint = "http://', 'endpoint = "http://{mark}:{mark}@'),
    ('token_file = "secrets/portal.token"', 'token_file = "secrets/short"'),
    ('pseudonym_key_file = "secrets/pseudonym-key"', 'pseudonym_key_file = "secrets/short"'),
    ('owner = "', 'owner = "https://nobody.example#{mark}'),
    ('invited = ["org:acme"]', 'invited = ["{mark}"]'),
)
BROKEN = ('username = "pexip"', 'username = "pexip"\npassword = "{mark}')
# Where something must be, or it would be of no use. A ticket is kept with whose it is and who may call with it.
IN_STORE = {"nonce of a challenge", "subject of a ticket", "group of a ticket", "call of a ticket", "audience"}
MAY_BE = {
    "answer: guest": {"PIN of guests"},
    "answer: known device": {"rooms"},
    # What a device signs is told as it is signed; a misspelt member is named.
    "answer: challenge: an alias": {"alias of a challenge"},
    "answer: challenge: a member": {"name of a member"},
    "answer: join: an unknown member": {"name of a member"},
    "answer: join: an unknown member of a person": {"name of a member"},
    "answer: ticket: an unknown member": {"name of a member"},
    # A provider has signed it, and it names a client of it, not a person.
    "decisions.jsonl": {"audience"},
    "state/vestibule.db": IN_STORE,
    "state/vestibule.db-wal": IN_STORE,
}


@dataclass(slots=True, kw_only=True)
class Scene:
    """The process, whoever it talks to, and by its name each place that can be searched."""

    place: Site
    running: Running
    collector: Collector
    manager: simulated.Simulated
    metrics: str
    marks: Marks
    places: dict[str, bytes] = field(default_factory=dict)

    async def say(self, name: str, request: bytes) -> None:
        """Say some bytes on a connection of their own, and keep the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.place.world.url.rpartition(":")[2]))
        writer.write(request)
        self.places[f"answer: {name}"] = await reader.read()
        writer.close()
        assert self.places[f"answer: {name}"], name

    async def run(self, name: str, *arguments: str) -> None:
        """Run a command about the configuration, and keep what it prints."""
        command = await asyncio.create_subprocess_exec(
            *TALKATIVE, SERVE[0], *arguments, "--config", str(self.place.file), stdout=PIPE, stderr=STDOUT
        )
        self.places[f"command: {name}"], _ = await command.communicate()

    async def see(self, url: str, path: str, **headers: str) -> bytes:
        async with self.place.world.session.get(f"{url}{path}", headers=headers) as response:
            return await response.read()


def parts(folder: Path, *, collector: Collector, manager: str, metrics: str, marks: Marks) -> dict[str, str]:
    (folder / "marked").mkdir()
    return {
        "telemetry": f'endpoint = "{collector.url}"',
        "metrics": f'[metrics]\nlisten = "{metrics}"',
        "pexip": PEXIP.format(manager=manager).replace("secrets/", "marked/"),
        "conferences": CONFERENCES.replace("secrets/", "marked/"),
    }


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    marks, manager = Marks(), simulated.well_kept()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        metrics = f"127.0.0.1:{probe.getsockname()[1]}"
    fill_manager(manager, marks)
    async with (
        Collector().running() as collector,
        simulated.serving(manager),
        site(folder, **parts(folder, collector=collector, manager=manager.url, metrics=metrics, marks=marks)) as place,
    ):
        for name in ("pexip-next", "rooms"):
            (folder / "marked" / name).write_text(marks.make(name))
        (folder / "marked" / "manager").write_text(simulated.PASSWORD)
        (folder / "marked" / "guest-pin").write_text(marks.note("PIN of guests", "730519284630") + "#")
        (folder / "secrets" / "short").write_text(marks.make("short secret")[:14])
        for file in (*(folder / "secrets").iterdir(), folder / "marked" / "manager"):
            marks.note(f"secrets/{file.name}", file.read_text().strip())
        async with place.running(*TALKATIVE, environment={"OTEL_BSP_SCHEDULE_DELAY": "50"}) as running:
            assert await running.says("serving") is not None, running.said
            yield Scene(
                place=place,
                running=running,
                collector=collector,
                manager=manager,
                metrics=f"http://{metrics}",
                marks=marks,
            )


def fill_manager(manager: simulated.Simulated, marks: Marks) -> None:
    """Have the manager know somebody, and keep secrets of its own."""
    manager.change("policy_server", password=marks.make("password of the profile"), username=marks.make("user name"))
    manager.add("conference", name="VMR", pin=marks.make("PIN of Pexip's own"), description=marks.make("description"))
    manager.add(
        "automatic_participant", alias="board", remote_display_name=marks.make("display name"), creation_time="now"
    )
    manager.add(
        "status/v1/participant/",
        call_uuid=marks.make("call id"),
        call_direction="in",
        conference="board",
        destination_alias=marks.make("remote alias"),
        display_name=marks.make("display name"),
        remote_address=marks.note("remote address", told.ADDRESSES[0]),
        service_tag="vestibule:core:board",
        service_type="conference",
        source_alias=marks.make("remote alias"),
    )


async def join_rightly(scene: Scene) -> str:
    """Have somebody prove all that there is to prove, enter, and have their ticket stolen. Returns a decision's id."""
    world, marks = scene.place.world, scene.marks
    subject = marks.make("subject of a ticket")
    device = world.authority.device(subject)
    challenge = await world.challenge("board")
    nonce = marks.note("nonce of a challenge", challenge["nonce"])
    claims: dict[str, object] = {"sub": subject, "groups": [marks.make("group of a ticket")], "nonce": nonce}
    token = told.sign_marked(marks, world.acme, at=world.clock(), **claims)
    evidence = device.evidence(challenge, token=token)
    for value in (*evidence["payload"]["chain"], evidence["payload"]["signature"]):
        marks.note("evidence", value)
    ticket = marks.note(
        "ticket", await world.ticket({"conference": "board", "id_token": token, "evidence": [evidence]})
    )
    room = await world.service("board", ticket=ticket)
    assert room["action"] == "continue"
    call = marks.make("call of a ticket")
    await world.participant(room, call=call, kind="api", ticket=ticket, remote_display_name=marks.make("display name"))
    await world.service("board", ticket=ticket, address=marks.note("remote address", told.ADDRESSES[0]))
    return str(room["decision_id"])


async def reload_what_is_faulty(scene: Scene) -> None:
    """Have the process, and `check`, read a configuration that has secrets in the wrong places."""
    file, good = scene.place.file, scene.place.file.read_text()
    for changes, problem in ((FAULTY, "pexip.password"), ((BROKEN,), "not TOML")):
        text = good
        for old, new in changes:
            assert old in text
            text = text.replace(old, new.replace("{mark}", scene.marks.make("secret in the wrong place")), 1)
        file.write_text(text)
        scene.running.send(SIGHUP)
        line: dict[str, object] = {}
        while problem not in str(line.get("problem")):
            line = await scene.running.says(REFUSED) or {"problem": problem}
        await scene.run(f"check, {problem}", "check")
    file.write_text(good)


async def look_everywhere(scene: Scene) -> None:
    """Collect what monitoring reads, what the process has written, and what it has said and sent."""
    url = scene.place.world.url
    for path in ("/metrics", "/readyz", "/livez"):
        scene.places[f"monitoring: {path}"] = await scene.see(scene.metrics, path)
    scene.places["monitoring: openmetrics"] = await scene.see(scene.metrics, "/metrics", Accept=OPENMETRICS)
    scene.places["openapi"] = await scene.see(url, "/openapi.json")
    await look_at_files(scene)


async def look_at_files(scene: Scene) -> None:
    folder = scene.place.world.folder
    written = [file for file in folder.rglob("*") if file.is_file() and file.parent.name not in {"secrets", "marked"}]
    scene.places |= {str(file.relative_to(folder)): file.read_bytes() for file in written if file != scene.place.file}


async def test_what_is_said_in_confidence_is_found_nowhere(tmp_path: Path) -> None:
    async with scene(tmp_path) as run:
        place = run.place
        decision = await join_rightly(run)
        for name, request in (told.from_a_node(run.marks) | told.at_the_json_doors(run.marks, place)).items():
            await run.say(name, request)
        place.world.acme.down = True
        await run.say("a provider that is down", told.at_the_json_doors(run.marks, place)["join: a token, good"])
        await reload_what_is_faulty(run)
        await asyncio.gather(
            run.run("explain", "explain", decision),
            run.run("replay", "replay", str(tmp_path / "decisions.jsonl"), "--bundle", str(POLICIES)),
            run.run("doctor", "doctor"),
            run.run("doctor --pexip-manager", "doctor", "--pexip-manager"),
        )
        await look_everywhere(run)
        run.running.send(SIGTERM)
        assert await run.running.ended() == 0
        assert run.running.process.stdout is not None
        run.places |= {"stderr": bytes(run.running.said), "stdout": await run.running.process.stdout.read()}
        run.places["spans"] = run.collector.octets
        await look_at_files(run)

    found = {where: run.marks.found_in(octets) - MAY_BE.get(where, set()) for where, octets in run.places.items()}
    assert {where: what for where, what in found.items() if what} == {}
