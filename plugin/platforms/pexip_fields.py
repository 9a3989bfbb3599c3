"""The fields of Pexip's answers as its documentation lists them (external policy, v35 to v39), and their rules.

Pexip drops a whole answer for one invalid field, silently, and then uses its own database. So what is not in these
tables never leaves: templates are checked against them when the configuration is read, and every answer once more.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MAX_TEXT = 250
MAX_MAIL = 100
MAX_PIN = 20
LEAST_PIN = 4

Rule = Callable[[object], str | None]
"""Given a value, say what was expected, or None where the value is right."""


def flag(value: object) -> str | None:
    """Rule: a boolean."""
    return None if isinstance(value, bool) else "true or false"


def text(value: object) -> str | None:
    """Rule: a text that Pexip's form fields take.

    Pexip's limit is in characters; bytes are never fewer, so an answer that fits does so however it is counted.
    """
    fits = isinstance(value, str) and value.isprintable() and 0 < len(value.encode()) <= MAX_TEXT
    trimmed = fits and value == str(value).strip()
    return None if trimmed else f"a text of 1 to {MAX_TEXT} bytes, printable, without spaces at its ends"


def texts(value: object) -> str | None:
    """Rule: a list of such texts."""
    return None if isinstance(value, list) and not any(map(text, value)) else "a list of texts"


def mail(value: object) -> str | None:
    """Rule: an e-mail address."""
    fits = isinstance(value, str) and len(value) <= MAX_MAIL and re.fullmatch(r"[!-?A-~]+@[!-?A-~]+", value)
    return None if fits else f"an e-mail address of at most {MAX_MAIL} characters"


def one_of(*choices: str) -> Rule:
    """Make the rule of a closed list."""
    expected = f"one of {', '.join(choices)}"
    return lambda value: None if isinstance(value, str) and value in choices else expected


def whole(least: int, most: int) -> Rule:
    """Make the rule of a range."""
    expected = f"a whole number from {least} to {most}"

    def rule(value: object) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else expected

    return rule


def pin(value: object) -> str | None:
    """Rule: a PIN by itself. `#` counts towards the most, and not towards the least, that documents speak of."""
    fits = isinstance(value, str) and len(value) <= MAX_PIN and re.fullmatch(rf"[0-9]{{{LEAST_PIN},}}#?", value)
    return None if fits else f"{LEAST_PIN} to {MAX_PIN} digits, or to {MAX_PIN - 1} and `#` at the end"


_DEFAULT_YES_NO = one_of("default", "yes", "no")
_LECTURE_VIEWS = (
    "one_main_zero_pips",
    "one_main_seven_pips",
    "one_main_twentyone_pips",
    "two_mains_twentyone_pips",
    "one_main_thirtythree_pips",
    "four_mains_zero_pips",
    "nine_mains_zero_pips",
    "sixteen_mains_zero_pips",
    "twentyfive_mains_zero_pips",
    "one_main_one_pip",
    "one_main_nine_around",
    "one_main_twelve_around",
    "two_mains_eight_around",
)
_VIEWS = (*_LECTURE_VIEWS, "five_mains_seven_pips")
_RATE = whole(128_000, 8_192_000)  # bits per second

# What an administrator may set for the rooms of a zone. Everything else of the documented table is decided here
# (name, service_tag, PINs), or would let somebody in whom nobody judged (see REFUSED).
TEMPLATE: Mapping[str, Rule] = {
    "service_type": one_of("conference", "lecture"),
    "name": text,
    "description": text,
    "allow_guests": flag,
    "bypass_proxy": flag,
    "call_type": one_of("video", "video-only", "audio"),
    "crypto_mode": one_of("besteffort", "on", "off"),
    "denoise_enabled": flag,
    "enable_active_speaker_indication": flag,
    "enable_chat": _DEFAULT_YES_NO,
    "enable_overlay_text": flag,
    "force_presenter_into_main": flag,
    "guest_view": one_of(*_LECTURE_VIEWS),
    "guests_can_present": flag,
    "guests_can_see_guests": one_of("no_hosts", "always", "never"),
    "host_view": one_of(*_LECTURE_VIEWS),
    "ivr_theme_name": text,
    "live_captions_enabled": _DEFAULT_YES_NO,
    "live_captions_language": text,
    "local_display_name": text,
    "max_callrate_in": _RATE,
    "max_callrate_out": _RATE,
    "max_pixels_per_second": one_of("sd", "hd", "fullhd"),
    "mute_all_guests": flag,
    "participant_limit": whole(0, 1_000_000),
    "pinning_config": text,
    "prefer_ipv6": _DEFAULT_YES_NO,
    "primary_owner_email_address": mail,
    "softmute_enabled": flag,
    "source_language": text,
    "view": one_of(*_VIEWS),
}

# Fields of the other service type, by service type.
FOREIGN: Mapping[str, frozenset[str]] = {
    "conference": frozenset({"force_presenter_into_main", "guest_view", "guests_can_see_guests", "host_view"}),
    "lecture": frozenset({"view"}),
}

REFUSED: Mapping[str, str] = {
    "pin": "PINs come from files: `pin_file`, or none for a random one",
    "guest_pin": "PINs come from files: `guest_pin_file`",
    "service_tag": "it is made here, so that the room of a participant can be recognised",
    "automatic_participants": "a participant that is called automatically is judged by nobody",
    "breakout_rooms": "people are moved into a breakout room without being judged",
    "direct_media": "media would run from one end to the other, past the zone",
    "direct_media_notification_duration": "there is no direct media in a zone",
    "locked": "a lock is no barrier to whoever has the host PIN, and a running conference ignores it",
    "host_identity_provider_group": "a conference names its group by `sso_group`",
    "guest_identity_provider_group": "a conference names its group by `sso_group`",
    "non_idp_participants": "where the platform signs people in, nobody else is let in",
}

# Where a conference lets the platform sign people in (`sso_group`), in an answer that asks for it and nowhere else.
SIGN_IN: Mapping[str, Rule] = {
    "host_identity_provider_group": text,
    "guest_identity_provider_group": text,
    "non_idp_participants": one_of("disallow_all"),
}
SERVICE: Mapping[str, Rule] = {**TEMPLATE, **SIGN_IN, "service_tag": text, "pin": pin, "guest_pin": pin}
REQUIRED = ("name", "service_tag", "service_type")

PARTICIPANT: Mapping[str, Rule] = {
    "call_tag": text,
    "preauthenticated_role": one_of("chair", "guest"),
    "reject_reason": text,
    "remote_alias": text,
    "remote_display_name": text,
}

LOCATION: Mapping[str, Rule] = {"location": text, "overflow_locations": texts}
DIRECTORY: Mapping[str, Rule] = {"username": text, "alias": text, "description": text}
REGISTRATION: Mapping[str, Rule] = {"username": text, "password": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A field that Pexip would drop the whole answer for."""

    field: str
    message: str


def faults(fields: Mapping[str, object], *, table: Mapping[str, Rule]) -> tuple[Fault, ...]:
    """Find every field that is not in the table, or breaks its rule."""
    found = []
    for name, value in fields.items():
        if name not in table:
            found.append(Fault(field=name, message=f"not accepted: {REFUSED.get(name, 'no such field')}"))
        elif expected := table[name](value):
            found.append(Fault(field=name, message=f"got `{str(value)[:80]}`, expected {expected}"))
    return tuple(found)


def service_faults(fields: Mapping[str, object]) -> tuple[Fault, ...]:
    """Find everything that Pexip would drop a service configuration for."""
    missing = [Fault(field=name, message="missing") for name in REQUIRED if name not in fields]
    return (*missing, *faults(fields, table=SERVICE), *foreign_faults(fields), *pin_faults(fields))


def foreign_faults(fields: Mapping[str, object]) -> tuple[Fault, ...]:
    """Find the fields that belong to the other service type."""
    kind = str(fields.get("service_type"))
    foreign = sorted(FOREIGN.get(kind, frozenset()) & fields.keys())
    return tuple(Fault(field=name, message=f"a {kind} does not have it") for name in foreign)


def pin_faults(fields: Mapping[str, object]) -> tuple[Fault, ...]:
    """Find what is wrong between the PINs of a service configuration; each by itself has been looked at already."""
    host, guest, allows = fields.get("pin"), fields.get("guest_pin"), fields.get("allow_guests") is True
    if not isinstance(host, str):
        return (Fault(field="pin", message="missing, expected a host PIN"),)
    if guest is None:
        return ()
    if not allows:
        return (Fault(field="guest_pin", message="got a guest PIN, expected none where `allow_guests` is false"),)
    if guest == host:
        return (Fault(field="guest_pin", message="got the host PIN, expected another one"),)
    both_end_alike = host.endswith("#") and str(guest).endswith("#")
    if len(host) != len(str(guest)) and not both_end_alike:
        return (Fault(field="guest_pin", message="expected the length of the host PIN, or `#` at the end of both"),)
    return ()
