"""Whatever a node asks: no answer breaks a documented rule, nobody is admitted without a reason, and nothing leaks.

A hundred thousand questions in CI, some thousands elsewhere, each through real reading, judging by the shipped bundle,
and writing, with a store in memory.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from ipaddress import ip_address, ip_network
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from plugin.core.device import AttestationResult, Tier
from plugin.core.errors import Unavailable
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.ticketing import Ticketing
from plugin.platforms.pexip import Endpoint
from plugin.ports import Fetched
from plugin.revocation.lookup import RevocationLookup
from plugin.shell import telemetry
from plugin.shell.check import prepare
from plugin.shell.pexip_desk import PexipDesk, Said, question_of
from plugin.shell.store_check import StoreCheck
from plugin.shell.wiring import Ground, furnish
from tests.fakes import NOON, HandClock, MemoryStore, ample
from tests.platforms import documented
from tests.shell.asked import (
    AVATAR,
    DIRECTORY,
    LOCATION,
    PARTICIPANT,
    PASSCODE,
    REGISTRATION,
    SERVICE,
    Asked,
    ask,
    ask_at_random,
)
from tests.shell.parties import DeviceAuthority
from tests.shell.world import PASSWORD, write_configuration

BATCH = 200
BATCHES = 500 if os.environ.get("VESTIBULE_REQUIRE_COMPONENTS") == "1" else 25
KIOSK_PASSWORD = "password-of-the-kiosks"
ACME, PARTNERS = "https://sso.acme.example", "https://sso.partners.example"
ZONE = 'media = "Frankfurt"\noverflow = ["Oslo"]\navatar = "#2e7d5b"\n'
REVIEW = """
[[conference]]
alias = "review"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
sso_group = "Corporate SSO"
listed_for = ["acme"]
"""
PEXIP = """
dead_man_script = true
[[pexip.idp]]
uuid = "7d7e6a2c-0a2a-4a2c-9d51-2d5b3b7c7c11"
issuer = "{acme}"
subject = "sub"
groups = "groups"
[[location]]
name = "Frankfurt"
[[location]]
name = "DMZ"
[[trunk]]
name = "partners-mcu"
kind = "gateway"
org = "partners"
networks = ["198.51.100.8/32"]
[[registration]]
alias = "*@rooms.example.com"
org = "acme"
auth = "credentials"
username = "kiosk"
password_file = "kiosk"
"""
# From where the shipped bundle lets anybody in at all.
COUNTRIES = [ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/26", "2001:db8:47::/48")]
TRUNK = "198.51.100.8"


async def nowhere(url: str, *, limit: int) -> Fetched:
    raise Unavailable(url, Reason.IDP_UNREACHABLE, "there is no network")


class Notes(logging.Handler):
    """Everything that is logged, with its fields."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(str(vars(record)))


class Desk:
    """The desk that questions are put to, with a house behind it."""

    def __init__(self, folder: Path) -> None:
        (folder / "kiosk").write_text(KIOSK_PASSWORD + "\n")
        parts = {"zone": ZONE, "conferences": REVIEW, "pexip": PEXIP}
        file = write_configuration(folder, acme=ACME, partners=PARTNERS, authority=DeviceAuthority(), **parts)
        checked = prepare(file)
        assert checked.config.pexip is not None
        self.settings = checked.config.pexip.settings
        self.random, self.store, self.clock = Random(0), MemoryStore(), HandClock()  # noqa: S311 - no secret guards anything here
        self.records: list[DecisionRecord] = []
        self.notes, self.tally = Notes(), Counter[str]()
        self.desk = PexipDesk()
        self.ticketing = Ticketing(store=self.store, clock=self.clock, random_bytes=self.random.randbytes)
        self.house = furnish(
            checked,
            lookups={},
            registrations={},
            ground=Ground(
                store=self.store,
                store_check=StoreCheck(self.store, clock=self.clock, monotonic=time.monotonic),
                decision_log=None,
                telemetry=telemetry.start(None),
                clock=self.clock,
                listeners=(self.records.append,),
                shadow_worker=ThreadPoolExecutor(1),
                pseudonym_key=bytes(32),
            ),
            keys=ProviderKeys([idp.settings for idp in checked.config.idps], fetch=nowhere, clock=self.clock),
            revocation=RevocationLookup({"acme-devices": ()}),
        )

    async def ticket(self, conference: str) -> str:
        issued = await self.ticketing.issue(conference=conference, identity=ALICE, device=LAPTOP, traceparent="")
        return issued.secret

    async def put(self, asked: Asked) -> Said:
        endpoint = Endpoint(asked.endpoint)
        question = question_of(asked.path, asked.query, endpoint=endpoint, budget=ample())
        return await self.desk.answer(question, house=self.house, settings=self.settings)


ALICE = Identity(
    issuer=ACME,
    subject="alice",
    org="acme",
    groups=frozenset({"chairs"}),
    level=Level.MULTI_FACTOR,
    acr=None,
    amr=(),
    auth_time=NOON - timedelta(minutes=1),
    session_id=None,
    nonce=None,
    issued_at=NOON,
    expires_at=NOON + timedelta(hours=1),
)
LAPTOP = AttestationResult(
    device_id="x509:00",
    format="x509",
    tier=Tier.AFFIRMING,
    bound=True,
    managed=True,
    owner=ALICE.key,
    appraised_by="acme-devices",
    expires_at=NOON + timedelta(hours=1),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    house = logging.getLogger("plugin")
    house.addHandler(desk.notes)
    house.setLevel(logging.DEBUG)
    house.propagate = False
    yield desk
    house.removeHandler(desk.notes)
    house.setLevel(logging.NOTSET)
    house.propagate = True


def honest_join(ticket: str) -> list[Asked]:
    """Alice's own join: what a node asks, in its order."""
    caller = [("call_direction", "dial_in"), ("protocol", "api"), ("local_alias", "board"), ("location", "Oslo")]
    caller += [("remote_address", "192.0.2.7")]
    tag, room = [("call_tag", ticket)], [*caller, ("service_tag", "vestibule:core:board")]
    calls = [[*room, ("call_uuid", f"honest-{kind}"), ("participant_type", kind)] for kind in ("api", "standard")]
    again = ask(PARTICIPANT, calls[0])  # known by its call
    return [ask(SERVICE, caller + tag), *(ask(PARTICIPANT, call + tag) for call in calls), again]


class Oracle:
    """Says what could have admitted somebody, by the questions alone. It knows which tickets were given out."""

    def __init__(self, tickets: list[str]) -> None:
        self.tickets = set(tickets)
        self._committed: set[str] = set()

    def why(self, asked: Asked) -> str:
        """Return by what somebody may have been admitted, empty where nobody can have been."""
        if not _is_somewhere(asked):
            return ""
        tags = asked.values("call_tag")
        named = {name.lower() for name in asked.values("local_alias" if asked.endpoint == SERVICE else "service_tag")}
        calls = asked.values("call_uuid") if asked.endpoint == PARTICIPANT else set()
        if tags & self.tickets:
            self._committed |= calls
            return "ticket"
        if TRUNK in asked.values("remote_address") and any("summit" in name for name in named):
            return "trunk"  # whatever it presents: nobody's proofs are looked at behind a trunk
        if any(tag.startswith("vt_") for tag in tags):
            return ""
        if calls & self._committed:
            return "committed call"
        if asked.endpoint == PARTICIPANT and asked.values("idp_attribute_sub") - {""}:
            return "signed in by the platform"
        return "guest" if any("townhall" in name for name in named) else ""


def _is_somewhere(asked: Asked) -> bool:
    """Say whether somebody calls in from where the shipped bundle lets anybody in at all."""
    addresses, places = asked.values("remote_address"), {text.lower() for text in asked.values("location")}
    if asked.values("call_direction") != {"dial_in"} or places != {"oslo"} or len(addresses) != 1:
        return False
    try:
        address = ip_address(addresses.pop())
    except ValueError:
        return False
    return any(address in country for country in COUNTRIES)


def judge(asked: Asked, said: Said, *, oracle: Oracle) -> str:
    """Check one answer by itself, and say what it gave away and by what."""
    if isinstance(said, bytes):
        size = tuple(int(max(asked.values(name))) for name in ("width", "height"))
        picture = Image.open(BytesIO(said))
        assert (asked.endpoint, picture.format, picture.mode, picture.size) == (AVATAR, "JPEG", "RGB", size)
        return "picture"
    assert documented.breaches(asked.endpoint, said) == []
    if said is None:
        return ""
    text = str(said)
    assert not [secret for secret in (*oracle.tickets, PASSCODE, PASSWORD) if secret in text]
    assert KIOSK_PASSWORD not in text or asked.endpoint == REGISTRATION
    if asked.endpoint not in (SERVICE, PARTICIPANT):
        return asked.endpoint if said.get("result") else ""
    assert said["action"] in ("continue", "reject")
    if said["action"] == "reject":
        assert "result" not in said
        return ""
    return _admitted(asked, said["result"], oracle=oracle)


def _admitted(asked: Asked, result: object, *, oracle: Oracle) -> str:
    assert isinstance(result, dict)
    if "host_identity_provider_group" in result:
        assert (asked.endpoint, result["non_idp_participants"]) == (SERVICE, "disallow_all")
        return "asked to sign in"
    why = oracle.why(asked)
    assert why, f"admitted for nothing: {asked}"
    return why


async def put_a_batch(desk: Desk, *, seed: int, odd: list[str]) -> None:
    random = Random(seed)  # noqa: S311 - it has to repeat itself
    tickets = [await desk.ticket(conference) for conference in ("board", "board", "townhall", "review")]
    oracle, honest = Oracle(tickets), honest_join(tickets[0])
    rest = [ask_at_random(random, odd=odd, tickets=tickets[1:]) for _ in range(BATCH - len(honest))]
    for number, asked in enumerate([*honest, *rest]):
        why = judge(asked, await desk.put(asked), oracle=oracle)
        assert why or number >= len(honest), "an honest join was refused"
        desk.tally[why] += 1
    written = [text for text, _ in desk.store.entries.values()]
    told = [msgspec.json.encode(record).decode() for record in desk.records]
    everything = "\n".join([*written, *told, *desk.notes.lines])
    assert not [secret for secret in (*tickets, PASSCODE, KIOSK_PASSWORD, PASSWORD) if secret in everything]
    for full in (desk.store.entries, desk.records, desk.notes.lines):
        full.clear()


@given(seed=st.integers(0, 2**64), odd=st.lists(st.text(max_size=40), min_size=1, max_size=8))
@settings(
    max_examples=BATCHES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a seed that is smaller shows nothing more
    suppress_health_check=[HealthCheck.too_slow],
)
def test_no_question_gets_an_answer_that_pexip_drops_or_that_admits_for_nothing(
    desk: Desk, seed: int, odd: list[str]
) -> None:
    asyncio.run(put_a_batch(desk, seed=seed, odd=odd))


def test_every_way_in_was_tried(desk: Desk) -> None:
    ways = {"ticket", "committed call", "guest", "trunk", "asked to sign in", "signed in by the platform"}
    ways |= {"picture", LOCATION, DIRECTORY, REGISTRATION}

    assert ways - {way for way, times in desk.tally.items() if times} == set()
