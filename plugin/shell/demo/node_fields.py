"""The fields of answers as Pexip documents them for its external policy: what a node takes, field by field.

Written for the platform's side alone: it shares nothing with the code that writes the answers, so that the two can
disagree. Covered are services of type `conference` and `lecture`; every other type, and every field that the tables
do not have, count as invalid.
"""

import re
from collections.abc import Callable, Mapping

Result = Mapping[str, object]
Check = Callable[[object], bool]

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


def names(value: object) -> bool:
    """Accept a list of names."""
    return isinstance(value, list) and all(name(one) for one in value)


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
    # Breakout rooms: the first is in the main room's answer to a Host, the others in a breakout room's own.
    "breakout_uuids": names,
    "breakout": flag,
    "breakout_description": text,
    "breakout_guests_allowed_to_leave": flag,
    "breakout_name": name,
    "breakout_uuid": name,
    "end_action": one_of("disconnect", "transfer"),
    "end_time": COUNT,
}
BREAKOUT = ("breakout", "breakout_uuid", "breakout_name")
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

LOCATION_FIELDS: Mapping[str, Check] = {
    "location": name,
    "overflow_locations": names,
    # as older versions have it
    "primary_overflow_location": name,
    "secondary_overflow_location": name,
}


def problems_of_service(result: Result, *, configured: frozenset[str]) -> list[str]:
    """Say why a service configuration is dropped. `configured` are the names that the platform's administrator gave."""
    problems = [f"`{key}` is missing" for key in REQUIRED if key not in result]
    problems += _problems_by(SERVICE_FIELDS, result)
    unknown = [key for key in CONFIGURED if key in result and str(result[key]) not in configured]
    problems += [f"`{key}` names nothing that is configured" for key in unknown]
    return problems or _problems_of_pins(result) + _problems_of_breakout(result)


def problems_of_participant(result: Result) -> list[str]:
    """Say why the properties of a participant are dropped."""
    return _problems_by(PARTICIPANT_FIELDS, result)


def problems_of_location(result: Result, *, configured: frozenset[str]) -> list[str]:
    """Say why a media location is dropped: one unknown name is enough."""
    problems = _problems_by(LOCATION_FIELDS, result) + ([] if "location" in result else ["`location` is missing"])
    if problems:
        return problems
    overflow = result.get("overflow_locations", [])
    places = [place for key, place in result.items() if key != "overflow_locations"]
    places += overflow if isinstance(overflow, list) else []
    return [] if configured.issuperset(map(str, places)) else ["a location is not configured"]


def _problems_by(table: Mapping[str, Check], result: Result) -> list[str]:
    return [f"`{key}` is invalid" for key, value in result.items() if key not in table or not table[key](value)]


def _problems_of_pins(result: Result) -> list[str]:
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


def _problems_of_breakout(result: Result) -> list[str]:
    if not any(key in result for key in BREAKOUT):
        return []
    problems = [f"`{key}` is missing, as a breakout room needs it" for key in BREAKOUT if key not in result]
    return problems + (["a breakout room has no `breakout_rooms`"] if result.get("breakout_rooms") else [])
