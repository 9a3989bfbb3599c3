"""What a Pexip Management Node says of its platform, as far as this house reads it.

The fields are those of the documented schema of the configuration and status APIs (v1), and no others. They are read
strictly: one that is missing or of another type is no fact, and what is not known is never taken for good. PINs,
passwords, names of people and addresses are among what the node says, and are not read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import msgspec

T = TypeVar("T")
Related = str | Mapping[str, object] | None
"""A related resource: its URI, or the resource itself. None = there is none."""


class NotAsDocumented(Exception):
    """A resource lacks a field that is documented, or has it of another type. Nothing of it is repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A system location, and the policy profile that its nodes use."""

    name: str
    policy_server: Related


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A policy profile: whom its nodes ask, about what, and the scripts that they run afterwards."""

    resource_uri: str
    name: str
    url: str
    enable_service_lookup: bool
    enable_participant_lookup: bool
    enable_registration_lookup: bool
    enable_directory_lookup: bool
    enable_avatar_lookup: bool
    enable_media_location_lookup: bool
    enable_internal_service_policy: bool
    enable_internal_participant_policy: bool
    internal_service_policy_template: str | None
    internal_participant_policy_template: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """An alias of a service in the platform's own database."""

    alias: str
    conference: Related


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service in the platform's own database. Its aliases open it; its name is what people meet by."""

    resource_uri: str
    name: str
    service_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A call routing rule. `match_string_full` = it is held against the alias with its scheme and parameters."""

    name: str
    enable: bool
    match_string: str
    match_string_full: bool
    match_incoming_calls: bool
    match_outgoing_calls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """Somebody whom the platform calls by itself when a conference begins."""

    id: int
    conference: Related | tuple[str | Mapping[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """An identity provider by which the platform signs people in."""

    name: str
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The Management Node, or a Conferencing Node, and the software on it."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody who is in a conference now. `call_uuid` is what the participant question calls so as well."""

    id: str
    call_uuid: str
    call_direction: str
    conference: str
    destination_alias: str
    service_tag: str
    service_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Participants:
    """Who is in a conference now. `unreadable` = how many more are, of whom nothing is known."""

    readable: tuple[Participant, ...]
    unreadable: int


class Resource(Enum):
    """What is asked for: each by its path under `/api/admin/`."""

    LOCATION = "configuration/v1/system_location/"
    PROFILE = "configuration/v1/policy_server/"
    ALIAS = "configuration/v1/conference_alias/"
    SERVICE = "configuration/v1/conference/"
    RULE = "configuration/v1/gateway_routing_rule/"
    DIALLED = "configuration/v1/automatic_participant/"
    IDP = "configuration/v1/identity_provider/"
    MANAGER = "status/v1/management_vm/"
    NODE = "status/v1/worker_vm/"
    PARTICIPANT = "status/v1/participant/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """Everything of the configuration that the judgement looks at. `unread` = what could not be read, and why not."""

    locations: tuple[Location, ...] = ()
    profiles: tuple[Profile, ...] = ()
    aliases: tuple[Alias, ...] = ()
    services: tuple[Service, ...] = ()
    rules: tuple[Rule, ...] = ()
    dialled: tuple[Dialled, ...] = ()
    idps: tuple[IdentityProvider, ...] = ()
    nodes: tuple[Node, ...] = ()
    unread: Mapping[Resource, str] = field(default_factory=dict)


PARTS: Mapping[Resource, tuple[str, type]] = {
    Resource.LOCATION: ("locations", Location),
    Resource.PROFILE: ("profiles", Profile),
    Resource.ALIAS: ("aliases", Alias),
    Resource.SERVICE: ("services", Service),
    Resource.RULE: ("rules", Rule),
    Resource.DIALLED: ("dialled", Dialled),
    Resource.IDP: ("idps", IdentityProvider),
    Resource.MANAGER: ("nodes", Node),
    Resource.NODE: ("nodes", Node),
}
"""The part of an `Estate` that each resource fills, and what it holds."""


def estate_of(read: Mapping[Resource, Iterable[object]], *, unread: Mapping[Resource, str]) -> Estate:
    """Put an estate together from the objects of each resource, and note those that are not as documented."""
    parts: dict[str, tuple[object, ...]] = {}
    problems = dict(unread)
    for resource, objects in read.items():
        name, kind = PARTS[resource]
        try:
            parts[name] = (*parts.get(name, ()), *read_all(objects, kind=kind))
        except NotAsDocumented:
            problems[resource] = "an object is not as documented"
    return Estate(**parts, unread=problems)  # type: ignore[arg-type] # each part is of the kind in PARTS


def read_all(objects: Iterable[object], *, kind: type[T]) -> tuple[T, ...]:
    """Read the objects of one resource. Raises NotAsDocumented."""
    try:
        return tuple(msgspec.convert(found, kind) for found in objects)
    except msgspec.ValidationError:
        raise NotAsDocumented from None


def read_participants(objects: Iterable[object]) -> Participants:
    """Read who is there, one by one: somebody whose row is not as documented hides nobody else."""
    readable, unreadable = list[Participant](), 0
    for found in objects:
        try:
            readable.append(msgspec.convert(found, Participant))
        except msgspec.ValidationError:
            unreadable += 1
    return Participants(readable=tuple(readable), unreadable=unreadable)


def uri_of(related: Related) -> str:
    """Return the URI of a related resource, empty where there is none."""
    if related is None:
        return ""
    uri = related if isinstance(related, str) else related.get("resource_uri", "")
    return uri if isinstance(uri, str) else ""


def is_same(one: str, other: str) -> bool:
    """Say whether two URIs name one resource: with or without scheme and host, which the schema leaves open."""
    return bool(one) and _path(one) == _path(other)


def _path(uri: str) -> str:
    return uri[found:] if (found := uri.find("/api/admin/")) >= 0 else uri
