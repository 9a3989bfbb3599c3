"""A small directory with its rooms, the questions that are put to it, and its answers, each one checked."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from plugin.core.decision import Allow, Capability, Decision, Deny, Redirect, because
from plugin.core.directory import Directory, PatternEntry
from plugin.core.facts import Conference
from plugin.core.join import JoinRequest, Phase
from plugin.core.reasons import Reason
from plugin.core.registration import LeaveSignIn, Password, RegistrationEntry
from plugin.platforms import pexip_answers, pexip_questions
from plugin.platforms.pexip import Endpoint, LeftToPlatform, Listing, Media, NotAJoin, PexipSettings, Place
from plugin.platforms.pexip_rooms import PexipRooms, Template, build_template
from plugin.ports import Json
from tests.fakes import NOON
from tests.platforms import documented

JOINS = (Endpoint.SERVICE, Endpoint.PARTICIPANT)
EVERYTHING = frozenset(Capability)
SETTINGS = PexipSettings()
DECISION_ID = "dec_7f3k"
PASSWORD = "password-of-the-kiosks"
FURNISHED = PexipSettings(
    own_addresses=frozenset({"oslo"}),
    media={
        "core": Media(place=Place(location="Oslo")),
        "meetme": Media(
            place=Place(location="Frankfurt", overflow=("Oslo", "Paris")),
            near=(
                ((ip_network("198.51.100.0/24"), ip_network("2001:db8::/32")), Place(location="Paris")),
                ((ip_network("198.51.0.0/16"),), Place(location="London", overflow=("Paris",))),
            ),
        ),
    },
    colours={"meetme": (0x8A, 0x6D, 0x1C)},
    phonebook=(
        Listing(name="board", alias="board", description="The board's own room", listed_for=frozenset({"acme"})),
        Listing(name="summit", alias="summit", description="Straße", listed_for=frozenset({"acme", "partners"})),
    ),
    registrations=(
        RegistrationEntry(
            place="registration[0]",
            alias="*@rooms.example.com",
            org="acme",
            proof=Password(username="kiosk", password=PASSWORD),
        ),
        RegistrationEntry(
            place="registration[1]", alias="*@people.example.com", org="acme", proof=None, protocols=frozenset({"sip"})
        ),
        RegistrationEntry(place="registration[2]", alias="mcu@partners.example", org="partners", proof=LeaveSignIn()),
    ),
)


def conference(name: str) -> Conference:
    return Conference(
        name=name,
        zones=("core", "meetme"),
        classification="internal",
        owner="https://sso.example.com#bob",
        hosts=frozenset(),
        invited=frozenset(),
        guests=None,
    )


def rooms_of(core: Template, meetme: Template | None = None) -> PexipRooms:
    """Rooms of `board` (also `board@example.com`), and of every alias that `meet.*` covers."""
    templates = {"core": core, "meetme": meetme or core}
    board = conference("board")
    return PexipRooms(
        directory=Directory(
            exact={"board": board, "board@example.com": board},
            patterns=(PatternEntry(pattern="meet.*", conference=conference("meet.*")),),
        ),
        exact={"board": templates},
        patterns={"meet.*": templates},
    )


OPEN = build_template({"guests_can_present": True}, {})
CAREFUL = build_template({"mute_all_guests": True}, {})
ROOMS = rooms_of(OPEN, CAREFUL)

SERVICE = {
    "call_direction": "dial_in",
    "protocol": "api",
    "trigger": "web",
    "local_alias": "board",
    "remote_address": "198.51.100.7",
    "remote_alias": "alice@example.com",
    "remote_display_name": "Alice",
    "call_tag": "",
}
PARTICIPANT = {
    **SERVICE,
    "participant_type": "standard",
    "call_uuid": "c-1",
    "service_tag": "vestibule:core:board",
}


def ask(
    endpoint: Endpoint, params: dict[str, str], *, settings: PexipSettings = SETTINGS
) -> JoinRequest | NotAJoin | LeftToPlatform:
    return pexip_questions.read(
        endpoint, {name: (value,) for name, value in params.items()}, settings=settings, now=NOON
    )


def join_of(endpoint: Endpoint, params: dict[str, str], *, settings: PexipSettings = SETTINGS) -> JoinRequest:
    read = ask(endpoint, params, settings=settings)
    assert isinstance(read, JoinRequest)
    return read


def sevens(length: int) -> str:
    return "7" * length


def say(
    join: JoinRequest,
    decision: Decision,
    *,
    rooms: PexipRooms = ROOMS,
    settings: PexipSettings = SETTINGS,
    random_pin: Callable[[int], str] = sevens,
) -> Json:
    """Say a decision. No answer of any test may break a documented rule."""
    answer = pexip_answers.write(
        join, decision, rooms=rooms, decision_id=DECISION_ID, random_pin=random_pin, settings=settings
    )
    endpoint = documented.PARTICIPANT if join.phase is Phase.PARTICIPANT else documented.SERVICE
    assert documented.breaches(endpoint, answer) == []
    return answer


def allow(zone: str = "core", capabilities: frozenset[Capability] = EVERYTHING) -> Allow:
    return Allow(zone=zone, capabilities=capabilities, reasons=(because(Reason.PERMITTED),), revisit_at=None)


def redirect(zone: str = "meetme", capabilities: frozenset[Capability] = EVERYTHING) -> Redirect:
    reasons = (because(Reason.INNER_ZONE_REFUSED),)
    return Redirect(zone=zone, capabilities=capabilities, reasons=reasons, remedy=None, revisit_at=None)


def deny() -> Deny:
    return Deny(reasons=(because(Reason.NO_PERMIT),))


def request_line(sample: Path) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Read a recorded request: its path, and its parameters as they came."""
    line = next(line for line in sample.read_text(encoding="utf-8").splitlines() if line.startswith("GET "))
    target = urlsplit(line.split(" ")[1])
    return target.path, decoded(target.query)


def decoded(query: str) -> dict[str, tuple[str, ...]]:
    """Decode a query string as the door does."""
    params: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="strict"):
        params[name] = (*params.get(name, ()), value)
    return params
