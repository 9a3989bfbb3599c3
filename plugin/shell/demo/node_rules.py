"""What a conferencing node of Pexip Infinity makes of an answer, by the field tables of its external policy.

Written for the platform's side alone: it shares nothing with the code that writes the answers, so that the two can
disagree. Covered are services of type `conference` and `lecture`; every other type, a SIP redirect, and every field
that the tables do not have count as invalid. One invalid field makes a node drop the whole answer.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

SERVICE = "service/configuration"
PARTICIPANT = "participant/properties"
LOCATION = "participant/location"

Result = Mapping[str, object]
Check = Callable[[object], bool]


class Verdict(Enum):
    """What the node does with an answer. FALLBACK: it looks into its own database instead."""

    USED = "used"
    REJECTED = "rejected"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`problem` says why an answer is not valid; `remarks` are its other keys, which a node logs and ignores."""

    verdict: Verdict
    problem: str = ""
    result: Result = field(default_factory=dict)
    remarks: Result = field(default_factory=dict)


def dropped(problem: str, *, remarks: Result | None = None) -> Reading:
    """No valid answer."""
    return Reading(verdict=Verdict.FALLBACK, problem=problem, remarks=remarks or {})


def read(question: str, body: bytes, *, configured: frozenset[str]) -> Reading:
    """Read the body of a 200. `configured` are the names of locations, themes and groups that the platform has."""
    try:
        envelope = json.loads(body)
    except ValueError:
        return dropped("the answer is not JSON")
    if not isinstance(envelope, dict):
        return dropped("the answer is not an object")
    remarks = {key: value for key, value in envelope.items() if key not in ("status", "action", "result")}
    rejects = envelope.get("action") == "reject"
    result = envelope.get("result")
    rejected = Reading(verdict=Verdict.REJECTED, remarks=remarks)
    if envelope.get("status") != "success":
        is_rejected = rejects and question == SERVICE
        return rejected if is_rejected else dropped("the status is not success", remarks=remarks)
    if result is None and rejects:
        return rejected
    if result is None and question == PARTICIPANT and envelope.get("action") == "continue":
        result = {}
    if not isinstance(result, dict):
        return dropped("there is no result", remarks=remarks)
    problems = _problems(question, result, configured=configured)
    if problems:
        return dropped("; ".join(problems), remarks=remarks)
    # A valid result wins over a reject, unless it is the reject's own reason.
    is_reason = question == PARTICIPANT and rejects and result.keys() <= {"reject_reason"}
    verdict = Verdict.REJECTED if is_reason else Verdict.USED
    return Reading(verdict=verdict, result=result, remarks=remarks)


MAX_TEXT = 250
PIN = re.compile(r"(?=.{4,20}\Z)\d{4,20}#?")
VIEWS = (
    "one_main_zero_pips",
    "one_main_seven_pips",
    "one_main_twentyone_pips",
    "two_mains_twentyone_pips",
    "one_main_thirtythree_pips",
    "four_mains_zero_pips",
    "nine_mains_zero_pips",
    "sixteen_mains_zero_pips",
    "twentyfive_mains_zero_pips",
    "five_mains_seven_pips",
    "one_main_one_pip",
    "one_main_nine_around",
    "one_main_twelve_around",
    "two_mains_eight_around",
)


def flag(value: object) -> bool:
    """Accept true and false."""
    return isinstance(value, bool)


def text(value: object) -> bool:
    """Accept a text that fits a field."""
    return isinstance(value, str) and len(value) <= MAX_TEXT


def name(value: object) -> bool:
    """Accept a text that is not empty."""
    return text(value) and bool(value)


def pin(value: object) -> bool:
    """Accept a PIN; an empty one is not "no PIN" but invalid."""
    return isinstance(value, str) and PIN.fullmatch(value) is not None


def items(value: object) -> bool:
    """Accept a list of objects."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def number(least: int, most: int) -> Check:
    """Accept a whole number within bounds."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def one_of(*values: str | None) -> Check:
    """Accept a value of a closed list."""
    return lambda value: (value is None or isinstance(value, str)) and value in values


COUNT = number(0, 1_000_000)
CALL_RATE = number(128_000, 8_192_000)
YES_NO = one_of("default", "yes", "no")

REQUIRED = ("name", "service_tag", "service_type")
SERVICE_FIELDS: Mapping[str, Check] = {
    "name": name,
    "service_tag": text,
    "service_type": one_of("conference", "lecture"),
    "allow_guests": flag,
    "automatic_participants": items,
    "breakout_rooms": flag,
    "bypass_proxy": flag,
    "call_type": one_of("video", "video-only", "audio"),
    "crypto_mode": one_of(None, "besteffort", "on", "off"),
    "denoise_enabled": flag,
    "description": text,
    "direct_media": one_of("best_effort", "always", "never"),
    "direct_media_notification_duration": number(0, 30),
    "enable_active_speaker_indication": flag,
    "enable_chat": YES_NO,
    "enable_overlay_text": flag,
    "force_presenter_into_main": flag,
    "guest_identity_provider_group": name,
    "guest_pin": pin,
    "guest_view": one_of(*VIEWS),
    "guests_can_present": flag,
    "guests_can_see_guests": one_of("no_hosts", "always", "never"),
    "host_identity_provider_group": name,
    "host_view": one_of(*VIEWS),
    "ivr_theme_name": name,
    "live_captions_enabled": YES_NO,
    "live_captions_language": text,
    "local_display_name": text,
    "locked": flag,
    "max_callrate_in": CALL_RATE,
    "max_callrate_out": CALL_RATE,
    "max_pixels_per_second": one_of(None, "sd", "hd", "fullhd"),
    "mute_all_guests": flag,
    "non_idp_participants": one_of("disallow_all", "allow_if_trusted"),
    "participant_limit": COUNT,
    "pin": pin,
    "pinning_config": text,
    "prefer_ipv6": YES_NO,
    "primary_owner_email_address": text,
    "softmute_enabled": flag,
    "source_language": text,
    "view": one_of(*VIEWS),
}
# Their values must be names that the platform's administrator has configured, or the answer fails as a whole.
CONFIGURED = ("guest_identity_provider_group", "host_identity_provider_group", "ivr_theme_name")

PARTICIPANT_FIELDS: Mapping[str, Check] = {
    "bypass_lock": flag,
    "call_tag": text,
    "can_receive_personal_mix": flag,
    "disable_overlay_text": flag,
    "display_count": COUNT,
    "layout_group": text,
    "preauthenticated_role": one_of("chair", "guest", None),
    "prefers_multiscreen_mix": flag,
    "receive_from_audio_mix": text,
    "reject_reason": text,
    "remote_alias": text,
    "remote_display_name": text,
    "rx_presentation_policy": one_of("ALLOW", "DENY"),
    "send_to_audio_mixes": items,
    "spotlight": COUNT,
    "wants_presentation_in_mix": flag,
}


def _problems(question: str, result: Result, *, configured: frozenset[str]) -> list[str]:
    if question == SERVICE:
        return _service_problems(result, configured=configured)
    if question == PARTICIPANT:
        return _table_problems(result, table=PARTICIPANT_FIELDS)
    overflow = result.get("overflow_locations", [])
    places = [result.get("location"), *(overflow if isinstance(overflow, list) else [overflow])]
    return [] if all(str(place) in configured for place in places) else ["a location is not configured"]


def _service_problems(result: Result, *, configured: frozenset[str]) -> list[str]:
    problems = [f"`{key}` is missing" for key in REQUIRED if key not in result]
    problems += _table_problems(result, table=SERVICE_FIELDS)
    unknown = [key for key in CONFIGURED if key in result and str(result[key]) not in configured]
    problems += [f"`{key}` names nothing that is configured" for key in unknown]
    return problems or _pin_problems(result)


def _table_problems(result: Result, *, table: Mapping[str, Check]) -> list[str]:
    return [f"`{key}` is invalid" for key, value in result.items() if key not in table or not table[key](value)]


def _pin_problems(result: Result) -> list[str]:
    guests, host_pin, guest_pin = result.get("allow_guests", False), result.get("pin"), result.get("guest_pin")
    if guests and host_pin is None:
        return ["`allow_guests` needs a `pin`"]
    if guest_pin is None:
        return []
    if not guests:
        return ["`guest_pin` needs `allow_guests`"]
    host, guest = str(host_pin), str(guest_pin)
    both_end = host.endswith("#") and guest.endswith("#")
    if host == guest or not (len(host) == len(guest) or both_end):
        return ["`pin` and `guest_pin` must differ, and be of one length or both end with `#`"]
    return []
