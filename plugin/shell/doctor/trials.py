"""What `doctor --pexip` asks: questions as a conferencing node sends them, of which none may be admitted.

Every one of them is a failure or a lie, so a service in order has nothing but rejects to give, and no trial can leave
an admission behind.
"""

import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from plugin.shell.config import Config
from plugin.shell.demo.node_rules import AVATAR, LOCATION, PARTICIPANT, SERVICE

DIRECTORY = "registrations"
NOBODY = "nobody-by-the-name-of"
# A node's own questions reach some ten kilobytes: names and tags of 1,000 four-byte characters.
LONG = 64 * 1024 - 1024
ADDRESS = "192.0.2.7"  # RFC 5737

_QUESTION: Mapping[str, str] = {
    "protocol": "webrtc",
    "trigger": "web",
    "call_direction": "dial_in",
    "remote_address": ADDRESS,
    "remote_display_name": "Vestibule doctor",
    "remote_alias": "doctor@example.invalid",
    "call_tag": "",
    "location": "doctor",
    "bandwidth": "0",
    "service_name": "",
    "service_tag": "",
    "registered": "False",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One question. `query` is percent-encoded; `credentials` None = none are sent.

    `challenged` = a 401 is what the configuration asks for here, although Pexip then fails open. `recognised` = the
    service has to know who asks, or nothing behind its door is examined.
    """

    name: str
    endpoint: str
    query: str
    credentials: bytes | None = field(repr=False)
    method: str = "GET"
    challenged: bool = False
    recognised: bool = False


def trials(config: Config, *, credentials: bytes) -> Iterator[Trial]:
    """Think of the questions for this configuration."""
    unknown = f"{NOBODY}-{secrets.token_hex(4)}"
    service = Trial(name="an alias that nobody knows", endpoint=SERVICE, query=_query(unknown), credentials=credentials)
    yield replace(service, recognised=True)
    yield from _without_the_right_credentials(service, config=config)
    yield replace(service, name="a query that cannot be decoded", query="local_alias=%FF%FE&protocol=%zz")
    yield replace(service, name="no query at all", query="")
    yield replace(service, name="a request line of 64 KiB", query=_query(unknown, call_tag="x" * LONG))
    yield replace(service, name="a method other than GET", method="POST")
    yield replace(service, name="a path that does not exist", endpoint="service/configurations")
    yield replace(service, name="a probe", query=_query(unknown, call_direction="non_dial", trigger="options"))
    yield from _about_a_room(service, alias=_guarded(config) or unknown)
    yield replace(service, name="where media is handled", endpoint=LOCATION)
    yield replace(service, name="a picture", endpoint=f"{AVATAR}/{unknown}")
    yield replace(service, name="the phonebook", endpoint=DIRECTORY)
    yield replace(service, name="a device that nobody knows registers", endpoint=f"{DIRECTORY}/{unknown}")


def _without_the_right_credentials(service: Trial, *, config: Config) -> Iterator[Trial]:
    challenged = config.pexip is not None and config.pexip.challenge
    yield replace(service, name="no credentials", credentials=None, challenged=challenged)
    yield replace(service, name="a wrong password", credentials=f"pexip:{secrets.token_hex(16)}".encode())
    participant = replace(service, endpoint=PARTICIPANT, challenged=challenged)
    yield replace(participant, name="a participant, no credentials", credentials=None)


def _about_a_room(service: Trial, *, alias: str) -> Iterator[Trial]:
    """Lie about a conference that takes nobody without a proof."""
    home = f"vestibule:core:{alias}"
    yield replace(service, name="a conference, and no proof", query=_query(alias))
    forged = f"vst_{secrets.token_urlsafe(20)}"
    yield replace(
        service, name="a conference, and a ticket that was never issued", query=_query(alias, call_tag=forged)
    )
    calling = _query(alias, call_direction="dial_out", service_name=alias, service_tag=home)
    yield replace(service, name="a call that the room makes", query=calling)
    breakout = _query(f"{alias}_breakout_1", service_name=f"{alias}_breakout_1", service_tag=home)
    yield replace(service, name="a breakout room", query=breakout)
    promoted = _query(alias, service_name=alias, service_tag=home, preauthenticated_role="chair", call_uuid="doctor")
    participant = replace(service, endpoint=PARTICIPANT)
    yield replace(participant, name="a participant who calls itself a host", query=promoted)
    signed_in = f"{promoted}&{urlencode({'idp_uuid': 'doctor', 'idp_attribute_sub': 'doctor'})}"
    yield replace(participant, name="a participant signed in by a service that nobody knows", query=signed_in)
    yield replace(participant, name="a participant without a call", query="")


def _guarded(config: Config) -> str:
    """Find a conference that takes neither guests nor the platform's own sign-in; empty where there is none."""
    for entry in config.conferences:
        conference = entry.conference
        if not entry.pattern and conference.guests is None and conference.sso_group is None:
            return conference.name
    return ""


def _query(alias: str, **others: str) -> str:
    return urlencode({**_QUESTION, "local_alias": alias, **others})


def headers_of(trial: Trial) -> dict[str, str]:
    """Return what goes along with the question."""
    if trial.credentials is None:
        return {}
    return {"Authorization": f"Basic {b64encode(trial.credentials).decode()}"}
