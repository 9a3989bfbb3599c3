"""Calls as a conferencing node of Pexip Infinity knows them, and what each of its questions says of one.

The parameters, their spellings and their habits are those of real nodes: `True` and `False`, an empty text for what
is absent, and headers and Teams' own parameters only where there are any. It must never say what a node cannot know:
a PIN never reaches a policy server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from plugin.shell.demo.node_fields import Result

Parameters = Mapping[str, str | tuple[str, ...]]

NODE_LOCATION = "Oslo"
APP = "webrtc"
TRIGGERS = {"api": "web", "webrtc": "web", "sip": "invite", "h323": "setup", "mssip": "invite", "teams": "teams"}
# Questions about existence, by which nobody joins.
PROBES = {"options": "sip", "subscribe": "sip", "lrq": "h323"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SsoAccount:
    """An account at an identity provider of the platform. `attributes` are the ones that the platform is set up for."""

    idp: str
    attributes: Mapping[str, tuple[str, ...]]
    display_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who dials, with all that they bring. `protocol` is `webrtc` (an app), `sip`, `h323`, `mssip` or `teams`.

    Nobody dials in by `rtmp`: it is for calls out. An app has no alias but its name. `pin` is what they type when asked
    for one, `sso` None = they do not sign in. `registered` = a device or an app that registered with the platform as
    `remote_alias`. `asserted_identity` and `ms_subnet` are headers of SIP; `passcode` is the one of a Teams room's
    calendar.
    """

    alias: str
    display_name: str
    address: str
    remote_alias: str = ""
    protocol: str = "webrtc"
    call_tag: str = ""
    vendor: str = "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0.0.0 Safari/537.36"
    pin: str = ""
    sso: SsoAccount | None = None
    registered: bool = False
    asserted_identity: str = ""
    ms_subnet: str = ""
    teams_tenant: str = ""
    passcode: str = ""
    display_count: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. `room` is empty until there is one, `role` None until a PIN is entered.

    `previous_service` is the conference that the call was transferred from. `sso` is set once somebody has signed in.
    """

    caller: Caller
    uuid: str
    port: int
    call_tag: str
    direction: str = "dial_in"
    room: Result = field(default_factory=dict)
    role: str | None = None
    sso: SsoAccount | None = None
    previous_service: str = ""


def service_parameters(call: Call, *, protocol: str) -> Parameters:
    """Ask for the room of a call. A call that the platform makes names the room that it is made from."""
    caller = call.caller
    return {
        **_call_parameters(call, protocol=protocol),
        **_transfer_parameters(call),
        **_present({"third_party_passcode": caller.passcode, "display_count": caller.display_count}),
        **(_room_parameters(call) if call.direction == "dial_out" else {}),
    }


def breakout_parameters(call: Call, *, uuid: str) -> Parameters:
    """Ask for one breakout room of the room that a Host is in."""
    name = f"{call.room['name']}_breakout_{uuid}"
    names = {"service_name": name, "unique_service_name": name, "breakout_uuid": uuid}
    protocol = "api" if call.caller.protocol == APP else call.caller.protocol
    return {**_call_parameters(call, protocol=protocol), **names}


def probe_parameters(call: Call, *, trigger: str) -> Parameters:
    """Ask whether an alias exists."""
    probe = {"call_direction": "non_dial", "trigger": trigger}
    return {**_call_parameters(call, protocol=PROBES[trigger]), **probe}


def participant_parameters(call: Call, *, protocol: str, participant_type: str, uuid: str) -> Parameters:
    """Ask about somebody who is about to enter the room, with what their identity provider has said of them."""
    attributes = call.sso.attributes if call.sso else {}
    return {
        **_call_parameters(call, protocol=protocol),
        **_transfer_parameters(call),
        **_room_parameters(call),
        # A device has not been asked for its PIN yet, so it has no role.
        "preauthenticated_role": (call.role or "") if call.caller.protocol == APP else "",
        "bypass_lock": "False",
        "receive_from_audio_mix": "main",
        "display_count": call.caller.display_count,
        "participant_type": participant_type,
        "participant_uuid": uuid,
        "call_uuid": call.uuid,
        "breakout_uuid": "",
        "send_to_audio_mixes_mix_name": "main",
        "send_to_audio_mixes_prominent": "False",
        **{f"idp_attribute_{name}": values for name, values in attributes.items()},
    }


def location_parameters(call: Call) -> Parameters:
    """Ask where the media of a call is to be handled."""
    return {
        **_call_parameters(call, protocol=call.caller.protocol),
        **_transfer_parameters(call),
        **_room_parameters(call),
        "proxy_node_address": "",
        "proxy_node_location": "",
        "request_id": call.uuid[:8],
    }


def avatar_parameters(call: Call, *, width: int, height: int) -> Parameters:
    """Ask for a picture of somebody who is in the room."""
    size = {"height": str(height), "width": str(width), "role": call.role or "unknown"}
    return {**_call_parameters(call, protocol=call.caller.protocol), **_room_parameters(call), **size}


def alias_of(call: Call) -> str:
    """Return the caller's own alias; an app has none but its name."""
    return call.caller.remote_alias or _name(call)


def _call_parameters(call: Call, *, protocol: str) -> Parameters:
    caller = call.caller
    return {
        "call_direction": call.direction,
        "protocol": protocol,
        "bandwidth": "0",
        "vendor": caller.vendor,
        "encryption": "On",
        "registered": str(caller.registered),
        "trigger": TRIGGERS[protocol] if call.direction == "dial_in" else "unspecified",
        "remote_display_name": _name(call),
        "remote_alias": alias_of(call),
        "remote_address": caller.address,
        "remote_port": str(call.port),
        "call_tag": call.call_tag,
        "idp_uuid": call.sso.idp if call.sso else "",
        "has_authenticated_display_name": str(bool(call.sso and call.sso.display_name)),
        "supports_direct_media": "False",
        "teams_tenant_id": caller.teams_tenant,
        "location": NODE_LOCATION,
        "node_ip": "127.0.0.1",
        "version_id": "39",
        "pseudo_version_id": "81234.0.0",
        "local_alias": caller.alias,
        **_present({"P-Asserted-Identity": caller.asserted_identity, "ms-subnet": caller.ms_subnet}),
    }


def _name(call: Call) -> str:
    proven = call.sso.display_name if call.sso else ""
    return proven or call.caller.display_name


def _room_parameters(call: Call) -> dict[str, str]:
    name, tag = str(call.room["name"]), str(call.room["service_tag"])
    # A gateway call is a service of its own: the rule's name, and something that tells its calls apart.
    is_gateway = call.room.get("service_type") == "gateway"
    unique = f"{name}_{call.uuid}" if is_gateway else name
    return {"unique_service_name": unique, "service_name": name, "service_tag": tag}


def _transfer_parameters(call: Call) -> dict[str, str]:
    return _present({"previous_service_name": call.previous_service})


def _present(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}
