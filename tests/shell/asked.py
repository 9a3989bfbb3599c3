"""Questions of a Pexip node, made from the parameter tables of its documentation (external policy, v35 to v39).

Each parameter of a question's table has a documented value, none, an empty one, a wrong one, several, or one that means
something to us; and there are parameters that no table has. It imports nothing of what it is put to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from urllib.parse import quote, quote_plus

SERVICE = "service/configuration"
PARTICIPANT = "participant/properties"
LOCATION = "participant/location"
AVATAR = "participant/avatar"
DIRECTORY = "registrations"
REGISTRATION = "registrations/"
SHARES = {SERVICE: 40, PARTICIPANT: 35, LOCATION: 10, AVATAR: 5, DIRECTORY: 3, REGISTRATION: 7}

PASSCODE = "49302177120934"
UUIDS = ("a1b2c3d4-e5f6-7890-abcd-ef1234567890", "0b1c2d3e-aaaa-4bbb-8ccc-112233445566", "c-1", "c-2", "c-3")
ALIASES = ("townhall", "board", "board@example.com", "summit", "budget", "review", "no-such-room", "TownHall")
TAGS = (
    "vestibule:meetme:townhall",
    "vestibule:core:townhall",
    "vestibule:core:board",
    "vestibule:meetme:board",
    "vestibule:meetme:summit",
    "vestibule:meetme:review",
    "vestibule:meetme:no-such-room",
    "vestibule:attic:board",
    "vestibule:core:Board",
    "vestibule::board",
    "zone:dmz",
)
FORGED = ("vt_", "vt_" + "A" * 27, "vt_../../etc", "wxyz789", "dec_7f3k")
FLAGS = ("True", "False")
PROBES = ("options", "subscribe", "arq", "lrq", "web_avatar_fetch")

EVERYWHERE = {
    "bandwidth": ("0", "1920000"),
    "call_direction": ("dial_in",) * 8 + ("dial_out", "non_dial"),
    "call_tag": (),
    "encryption": ("On", "Off", "Unknown"),
    "has_authenticated_display_name": FLAGS,
    "idp_uuid": ("", "", "7d7e6a2c-0a2a-4a2c-9d51-2d5b3b7c7c11", "0b1c2d3e-aaaa-4bbb-8ccc-112233445566"),
    "local_alias": (*ALIASES, "sip:townhall", "h323:board@example.com"),
    "location": ("Oslo", "Oslo", "Oslo", "oslo", "DMZ"),
    "ms-subnet": ("192.0.2.0",),
    "node_ip": ("192.0.2.1",),
    "P-Asserted-Identity": ('"Alice"<sip:alice@example.com>', "sip:mcu@partners.example"),
    "previous_service_name": ("", "", "board"),
    "protocol": ("api", "webrtc", "sip", "rtmp", "h323", "teams", "mssip"),
    "pseudo_version_id": ("80000.0.0",),
    "version_id": ("16", "35", "39", "41.1"),
    "registered": FLAGS,
    "remote_address": ("192.0.2.7", "192.0.2.7", "198.51.100.8", "203.0.113.9", "203.0.113.70", "2001:db8:47::1"),
    "remote_port": ("58435",),
    "remote_alias": ("Alice", "sip:alice@example.com", "boardroom@example.com"),
    "remote_display_name": ("Alice", "A Person"),
    "supports_direct_media": FLAGS,
    "teams_tenant_id": ("", "11111111-2222-3333-4444-555555555555"),
    "telehealth_request_id": ("", "t-1"),
    "trigger": ("web",) * 8 + ("invite",) * 4 + ("setup", "teams", "two_stage_dialing", "unspecified", *PROBES),
    "vendor": ("Mozilla/5.0", "Cisco/CE"),
}
IN_A_ROOM = {"service_name": (*ALIASES, "board [meetme]"), "unique_service_name": ALIASES, "service_tag": TAGS}
PROXIED = {"proxy_node_address": ("", "192.0.2.3"), "proxy_node_location": ("", "DMZ")}
BREAKOUT = {"breakout_uuid": ("",) * 9 + UUIDS[:1]}
NODE = {name: EVERYWHERE[name] for name in ("location", "node_ip", "pseudo_version_id", "version_id")}
TABLES = {
    SERVICE: {**EVERYWHERE, **BREAKOUT, "display_count": ("", "2"), "third_party_passcode": ("", PASSCODE)},
    PARTICIPANT: {
        **EVERYWHERE,
        **IN_A_ROOM,
        **BREAKOUT,
        "bypass_lock": FLAGS,
        "call_uuid": UUIDS,
        "participant_uuid": UUIDS,
        "display_count": ("", "2"),
        "idp_attribute_sub": ("", "", "alice", "bob"),
        "idp_attribute_groups": ("staff", "chairs"),
        "participant_type": ("standard", "api", "api_host"),
        "preauthenticated_role": ("", "chair", "guest", "null"),
        "receive_from_audio_mix": ("main",),
        "send_to_audio_mixes_mix_name": ("main",),
        "send_to_audio_mixes_prominent": ("False",),
    },
    LOCATION: {**EVERYWHERE, **IN_A_ROOM, **PROXIED, "request_id": ("644d4edc",)},
    AVATAR: {
        **EVERYWHERE,
        **IN_A_ROOM,
        **PROXIED,
        "height": ("40", "100", "1000"),
        "width": ("40", "100"),
        "role": ("chair", "guest", "unknown"),
    },
    DIRECTORY: {
        **NODE,
        "call_tag": (),
        "q": ("", "tow", "BOARD"),
        "registration_alias": ("kiosk@rooms.example.com", "sip:hall/3@rooms.example.com", "eve@example.com"),
        "limit": ("10", "1", "0"),
    },
    REGISTRATION: {
        **NODE,
        "protocol": ("webrtc", "sip", "h323"),
        "auth_type": ("credentials", '"credentials"', "sso"),
        "remote_address": EVERYWHERE["remote_address"],
    },
}
DIAL_OUT_ONLY = IN_A_ROOM
PATHS = ("alice", "sip:alice@example.com", "kiosk%40rooms.example.com", "hall/3@rooms.example.com", "sip%3Akiosk%40x")
ODD = (
    "",
    "0",
    "-1",
    "null",
    "None",
    "true",
    "\x00",
    "a b",
    " board",
    "board\n",
    "../..",
    "x" * 4000,
    "\U0001f600" * 300,
)
UNKNOWN = ("new_in_v50", "result", "action", "service_tag[]", "idp_attribute_", "IDP_Attribute_sub", "\U0001f600")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as it comes over the wire."""

    endpoint: str
    path: str
    query: str
    pairs: tuple[tuple[str, str], ...]

    def values(self, name: str) -> set[str]:
        """Return the values that somebody could take for this parameter's."""
        wanted = name.lower().replace("-", "_")
        return {value for key, value in self.pairs if key.lower().replace("-", "_") == wanted}


def ask(endpoint: str, pairs: Sequence[tuple[str, str]], *, alias: str = "alice", broken: str = "") -> Asked:
    """Put a question on the wire."""
    written = [f"{_quoted(name)}={_quoted(value)}" for name, value in pairs]
    query = "&".join([*written, broken] if broken else written)
    tail = {AVATAR: f"/{alias}", REGISTRATION: alias}.get(endpoint, "")
    return Asked(endpoint=endpoint, path=f"/policy/v1/{endpoint}{tail}", query=query, pairs=tuple(pairs))


@lru_cache(maxsize=10_000)
def _quoted(text: str) -> str:
    return quote_plus(text)


def ask_at_random(random: Random, *, odd: Sequence[str], tickets: Sequence[str]) -> Asked:
    """Make one question: mostly plausible, with a few things wrong, or wholly wild. `odd` are any texts."""
    endpoint = random.choices(list(SHARES), weights=list(SHARES.values()))[0]
    table = TABLES[endpoint]
    strange = (*ODD, *odd, *FORGED, *TAGS)
    wildness = random.choice((0.0, 0.0, 0.02, 0.05, 0.5))
    pairs = []
    for name, documented in table.items():
        if name in DIAL_OUT_ONLY and endpoint == SERVICE:
            continue
        choices = (*[""] * 9, *tickets, *FORGED) if name == "call_tag" else documented
        if random.random() >= wildness:
            pairs.append((name, random.choice(choices)))
        else:
            pairs += _wrong(random, name, documented=choices, strange=strange)
    if random.random() < wildness * 2:
        pairs.append((random.choice((*UNKNOWN, *odd)), random.choice(strange)))
    if endpoint == SERVICE and random.random() < 0.1:
        pairs += [(name, random.choice(values)) for name, values in DIAL_OUT_ONLY.items()]
    random.shuffle(pairs)
    alias = random.choice(PATHS) if random.random() >= wildness else quote(random.choice(strange), safe="/:@;")
    broken = random.choice(("%ff=1", "local_alias=%ed%a0%80", "&&=&")) if random.random() < wildness / 10 else ""
    return ask(endpoint, pairs, alias=alias, broken=broken)


def _wrong(random: Random, name: str, *, documented: Sequence[str], strange: Sequence[str]) -> list[tuple[str, str]]:
    """Say one parameter wrong: not at all, empty, strange, twice, or under another spelling of its name."""
    value, other = random.choice(documented), random.choice(strange)
    spelt = random.choice((name.upper(), name.replace("_", "-"), name.title(), name.replace("-", "_")))
    return random.choice(
        (
            [],
            [(name, "")],
            [(name, other)],
            [(name, value), (name, other)],
            [(name, value), (name, value)],
            [(spelt, value)],
            [(name, value), (spelt, random.choice(documented))],
        )
    )
