"""What Pexip documents of answers (external policy, v35 to v39), read a second time and independently.

It judges what the adapter says, so it imports nothing of it. What is not documented is a breach, because one field that
Pexip does not accept makes it drop the whole answer and use its own database. Names of themes, locations and groups are
the administrator's, and not looked at.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping

Rule = Callable[[object], bool]
Table = Mapping[str, Rule]

SERVICE = "service/configuration"
PARTICIPANT = "participant/properties"
LOCATION = "participant/location"
AVATAR = "participant/avatar"
DIRECTORY = "registrations"
REGISTRATION = "registrations/"


def breaches(endpoint: str, body: object) -> list[str]:
    """Say why Pexip would drop an answer, or take it for another one. None as a body = a 404."""
    if endpoint == AVATAR:
        return [] if body is None else ["an avatar is an image or a 404"]
    if not isinstance(body, dict) or json.loads(json.dumps(body)) != body:
        return ["not a JSON object"]
    if endpoint == LOCATION:
        return _location(body)
    if body.get("status") != "success":
        return ["status: anything but success is Pexip's own database"]
    return {
        SERVICE: _service,
        PARTICIPANT: _participant,
        DIRECTORY: _directory,
        REGISTRATION: _registration,
    }[endpoint](body)


def _service(body: Mapping[str, object]) -> list[str]:
    action, result = body.get("action"), body.get("result")
    if action == "reject":
        return [] if "result" not in body else ["result: a valid one would win over the reject"]
    if not isinstance(result, dict):
        return ["result: without one Pexip's own database decides"]
    if action == "redirect":
        return _against({"new_alias": _text}, result, required="new_alias")
    if action != "continue":
        return ["action"]
    kind = result.get("service_type")
    if kind == "gateway":
        return _against(GATEWAY, result, required="local_alias name outgoing_protocol remote_alias service_tag")
    if kind not in ("conference", "lecture"):
        return ["service_type"]
    lecture_only = [] if kind == "lecture" else sorted(LECTURE_ONLY.keys() & result.keys())
    table = {**CONFERENCE, **LECTURE_ONLY}
    found = _against(table, result, required="name service_tag") + [f"{name}: a lecture's" for name in lecture_only]
    return found + _pins(result) + _breakout(result)


def _participant(body: Mapping[str, object]) -> list[str]:
    action, result = body.get("action"), body.get("result")
    if action == "reject":
        # Pexip ignores the action where the result is valid: only the reason may stand beside a reject.
        return [] if "result" not in body else _against({"reject_reason": _text}, result, required="reject_reason")
    if action != "continue":
        return ["action"]
    if not isinstance(result, dict):
        return ["result: without one the participant joins as it is"]
    return _against(PROPERTIES, result)


def _location(body: Mapping[str, object]) -> list[str]:
    if "action" in body:
        return ["action: a location cannot be refused"]
    if body.get("status") != "success":
        return [] if "result" not in body else ["result: it is not looked at"]
    table = {"location": _text, "overflow_locations": _list_of(_text)}
    return _against(table, body.get("result"), required="location")


def _directory(body: Mapping[str, object]) -> list[str]:
    entry = {"username": _text, "alias": _text, "description": _text}
    ignore = body.get("ignore_local", False)
    found = [] if _flag(ignore) else ["ignore_local"]
    return found if _list_of(lambda one: not _against(entry, one))(body.get("result")) else [*found, "result"]


def _registration(body: Mapping[str, object]) -> list[str]:
    if body.get("action") == "reject":
        return [] if body.get("result") == {} else ["result: a reject has an empty one"]
    return _against({"username": _text, "password": _text}, body.get("result"), required="username password")


def _against(table: Table, fields: object, *, required: str = "") -> list[str]:
    if not isinstance(fields, dict):
        return ["not an object"]
    missing = [f"{name}: missing" for name in required.split() if name not in fields]
    unknown = [f"{name}: not documented" for name in fields if name not in table]
    wrong = [f"{name}: wrong value" for name, value in fields.items() if name in table and not table[name](value)]
    return missing + unknown + wrong


def _pins(result: Mapping[str, object]) -> list[str]:
    host, guest, allows = result.get("pin"), result.get("guest_pin"), result.get("allow_guests", False)
    if allows and not host:
        return ["allow_guests: needs a pin"]
    if guest is None:
        return []
    if not allows:
        return ["guest_pin: needs allow_guests"]
    if guest == host:
        return ["guest_pin: the host's"]
    both_end = str(host).endswith("#") and str(guest).endswith("#")
    return [] if both_end or len(str(host)) == len(str(guest)) else ["guest_pin: of another length"]


def _breakout(result: Mapping[str, object]) -> list[str]:
    fields = {"breakout", "breakout_uuid", "breakout_name"}
    if not fields & result.keys():
        return []
    missing = [f"{name}: missing" for name in sorted(fields - result.keys())]
    return [*missing, "breakout_rooms"] if result.get("breakout_rooms", False) else missing


def _flag(value: object) -> bool:
    return value is True or value is False


def _text(value: object) -> bool:
    """1 to 250 characters; line breaks and control characters are none that a form field takes."""
    if not isinstance(value, str) or not 1 <= len(value) <= 250:
        return False
    return value.strip() == value and not {unicodedata.category(one) for one in value} & {"Cc", "Cs", "Zl", "Zp"}


def _pin(value: object) -> bool:
    """4 to 20 digits, a closing `#` included in the 20."""
    return isinstance(value, str) and len(value) <= 20 and re.fullmatch(r"[0-9]{4,}#?", value) is not None


def _one_of(words: str) -> Rule:
    return lambda value: isinstance(value, str) and value in words.split()


def _or_null(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def _number(least: int, most: int | None = None) -> Rule:
    return lambda value: type(value) is int and value >= least and (most is None or value <= most)


def _list_of(rule: Rule) -> Rule:
    return lambda value: isinstance(value, list) and all(rule(one) for one in value)


def _each(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


_YES_NO = _one_of("default yes no")
_RATE = _number(128_000, 8_192_000)
_VIEW = _one_of(
    """
    one_main_zero_pips one_main_seven_pips one_main_twentyone_pips two_mains_twentyone_pips one_main_thirtythree_pips
    four_mains_zero_pips nine_mains_zero_pips sixteen_mains_zero_pips twentyfive_mains_zero_pips five_mains_seven_pips
    one_main_one_pip one_main_nine_around one_main_twelve_around two_mains_eight_around
    """
)

_CALLED: Table = {
    **_each("local_alias remote_alias", _text),
    **_each("local_display_name remote_display_name presentation_url dtmf_sequence system_location_name", _text),
    "protocol": _one_of("h323 sip mssip rtmp"),
    "role": _one_of("chair guest"),
    "call_type": _one_of("video video-only audio"),
    "keep_conference_alive": _one_of(
        "keep_conference_alive keep_conference_alive_if_multiple keep_conference_alive_never"
    ),
    "routing": _one_of("manual routing_rule"),
    "streaming": _flag,
}

CONFERENCE: Table = {
    "service_type": _one_of("conference lecture"),
    **_each("name service_tag description ivr_theme_name live_captions_language source_language", _text),
    **_each("local_display_name pinning_config primary_owner_email_address", _text),
    **_each("guest_identity_provider_group host_identity_provider_group", _text),
    **_each("allow_guests breakout_rooms bypass_proxy denoise_enabled enable_active_speaker_indication", _flag),
    **_each("enable_overlay_text guests_can_present locked mute_all_guests softmute_enabled", _flag),
    **_each("enable_chat live_captions_enabled prefer_ipv6", _YES_NO),
    **_each("max_callrate_in max_callrate_out", _RATE),
    **_each("pin guest_pin", _pin),
    "automatic_participants": _list_of(
        lambda one: not _against(_CALLED, one, required="local_alias protocol remote_alias role")
    ),
    "call_type": _one_of("video video-only audio"),
    "crypto_mode": _or_null(_one_of("besteffort on off")),
    "direct_media": _one_of("best_effort always never"),
    "direct_media_notification_duration": _number(0, 30),
    "max_pixels_per_second": _or_null(_one_of("sd hd fullhd")),
    "non_idp_participants": _one_of("disallow_all allow_if_trusted"),
    "participant_limit": _number(0),
    "view": _VIEW,
    **_each("breakout breakout_guests_allowed_to_leave", _flag),
    **_each("breakout_uuid breakout_name breakout_description", _text),
    "breakout_uuids": _list_of(_text),
    "end_action": _one_of("disconnect transfer"),
    "end_time": _number(0),
}

LECTURE_ONLY: Table = {
    "force_presenter_into_main": _flag,
    **_each("guest_view host_view", _VIEW),
    "guests_can_see_guests": _one_of("no_hosts always never"),
}

GATEWAY: Table = {
    "service_type": _one_of("gateway"),
    "outgoing_protocol": _one_of("h323 sip mssip rtmp gms teams"),
    "called_device_type": _one_of(
        """
        external registration mssip_conference_id mssip_server gms_conference teams_conference teams_user
        telehealth_profile
        """
    ),
    "call_type": _one_of("auto video video-only audio"),
    "crypto_mode": _or_null(_one_of("besteffort on off")),
    **_each("name service_tag local_alias remote_alias description dtmf_sequence ivr_theme_name", _text),
    **_each("gms_access_token_name h323_gatekeeper_name mssip_proxy_name sip_proxy_name teams_proxy_name", _text),
    **_each("outgoing_location_name stun_server_name turn_server_name local_display_name source_language", _text),
    **_each("bypass_proxy denoise_audio enable_active_speaker_indication enable_overlay_text", _flag),
    **_each("external_participant_avatar_lookup teams_fit_to_frame transcoding_enabled treat_as_trusted", _flag),
    **_each("live_captions_enabled prefer_ipv6", _YES_NO),
    "live_captions_language": _text,
    **_each("max_callrate_in max_callrate_out", _RATE),
    "max_pixels_per_second": _or_null(_one_of("sd hd fullhd")),
    "view": _one_of("teams"),
}

PROPERTIES: Table = {
    **_each("call_tag layout_group receive_from_audio_mix remote_alias remote_display_name", _text),
    **_each("bypass_lock can_receive_personal_mix disable_overlay_text prefers_multiscreen_mix", _flag),
    "wants_presentation_in_mix": _flag,
    **_each("display_count spotlight", _number(0)),
    "preauthenticated_role": _or_null(_one_of("chair guest")),
    "rx_presentation_policy": _one_of("ALLOW DENY"),
    "send_to_audio_mixes": _list_of(lambda one: isinstance(one, dict)),
}
