"""The rooms that Pexip is told of: the template of a zone, with what a conference changes in it.

A room is complete and valid before anybody joins: what could be wrong with it is found when the configuration is
read. Everybody arrives as a guest, behind a host PIN that nobody knows; the participant answer promotes hosts.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from plugin.core.alias import canonical_alias
from plugin.core.decision import Capability
from plugin.core.directory import Directory, glob_covers
from plugin.platforms.pexip_fields import MAX_PIN, SERVICE, TEMPLATE, Fault, faults, foreign_faults, pin_faults, text

TAG_PREFIX = "vestibule:"
OF_ZONE = " ["
"""What follows the conference in the name of a room outside its home zone."""
_TAG = re.compile(rf"{TAG_PREFIX}(?P<zone>[a-z0-9-]+):(?P<conference>.+)", re.DOTALL)

# Said explicitly, because Pexip's own defaults are not all the safe ones.
DEFAULTS: Mapping[str, object] = {
    "service_type": "conference",
    "allow_guests": True,
    "guests_can_present": False,
    "mute_all_guests": False,
}


class RoomFaults(ValueError):
    """What is wrong with a template or an override, all at once."""

    def __init__(self, found: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in found))
        self.faults = found


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The rooms of one directory entry in one zone. `name` None = named after the conference."""

    fields: Mapping[str, object]
    name: str | None = None
    pin: str | None = field(default=None, repr=False)
    guest_pin: str | None = field(default=None, repr=False)

    @property
    def can_ask_devices(self) -> bool:
        """Whether a guest PIN can stand beside a host PIN that is too long to be guessed."""
        return self.guest_pin is not None and self.guest_pin.endswith("#")

    @property
    def grants(self) -> frozenset[Capability]:
        """What the room gives to every guest, whoever it is."""
        granted = set()
        if self.fields["guests_can_present"]:
            granted.add(Capability.PRESENT)
        if not self.fields["mute_all_guests"]:
            granted.add(Capability.UNMUTE)
        return frozenset(granted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One conference, held in one zone. `name` is the service's: people with another one meet nobody here.

    `signs_in` = Pexip may be asked to sign people in to it.
    """

    name: str
    tag: str
    template: Template
    signs_in: bool = False

    def excess(self, capabilities: frozenset[Capability]) -> frozenset[Capability]:
        """Return what the room would give to somebody to whom only these are given."""
        return self.template.grants - capabilities

    def service(self, *, random_pin: Callable[[int], str], is_app: bool = True) -> dict[str, object]:
        """Return the service configuration, with a host PIN of its own where none is configured.

        A device that is asked for the guest PIN could enter the host PIN as well, after it was judged: so none that
        anybody knows opens the room for it.
        """
        template = self.template
        fields = {**template.fields, "name": self.name, "service_tag": self.tag}
        if self.signs_in:
            # Said to everybody: of one room, only PINs and groups of providers may differ from answer to answer.
            fields["non_idp_participants"] = "disallow_all"
        if template.guest_pin:
            fields["guest_pin"] = template.guest_pin
        # Beside a guest PIN, which then ends with `#` too (see _secret_faults).
        secret = random_pin(MAX_PIN - 1) + "#" if template.guest_pin else random_pin(MAX_PIN)
        fields["pin"] = secret if template.pin is None or (template.can_ask_devices and not is_app) else template.pin
        return fields

    def sign_in(self, *, group: str, random_pin: Callable[[int], str]) -> dict[str, object]:
        """Return the configuration by which Pexip signs the caller in first. Nobody passes without."""
        return {
            **self.service(random_pin=random_pin),
            "host_identity_provider_group": group,
            "guest_identity_provider_group": group,
            "non_idp_participants": "disallow_all",
        }


def build_template(
    zone: Mapping[str, object],
    override: Mapping[str, object],
    *,
    pin: str | None = None,
    guest_pin: str | None = None,
) -> Template:
    """Merge a conference's override into its zone's template. Raises RoomFaults with everything that is wrong."""
    fields = {**DEFAULTS, **zone, **override}
    found = (
        *faults(fields, table=TEMPLATE),
        *foreign_faults(fields),
        *_house_faults(fields, zone=zone),
        *_secret_faults(pin, guest_pin),
    )
    if found:
        raise RoomFaults(found)
    name = fields.pop("name", None)
    return Template(fields=fields, name=str(name) if name else None, pin=pin, guest_pin=guest_pin)


def _house_faults(fields: Mapping[str, object], *, zone: Mapping[str, object]) -> Iterator[Fault]:
    """Find what Pexip would take, and this house does not."""
    if "name" in zone:
        yield Fault(field="name", message="a name belongs to one conference, not to a zone")
    if str(fields.get("name", "")).endswith("]"):
        yield Fault(field="name", message="expected no `]` at its end: such names are made here, of alias and zone")
    if fields["allow_guests"] is not True:
        yield Fault(field="allow_guests", message="expected true: without guests, everybody who enters is a host")


def _secret_faults(host: str | None, guest: str | None) -> Iterator[Fault]:
    """The PINs come from files, and no fault shows one."""
    secrets = {name: value for name, value in (("pin", host), ("guest_pin", guest)) if value is not None}
    wrong = {name: expected for name, value in secrets.items() if (expected := SERVICE[name](value))}
    for name, expected in wrong.items():
        yield Fault(field=f"{name}_file", message=f"expected {expected}")
    if wrong:
        return
    if host is not None:
        yield from pin_faults({**secrets, "allow_guests": True})
    elif guest is not None and not guest.endswith("#"):
        message = "expected `#` at its end, or a host PIN: a random one of the same length could be guessed"
        yield Fault(field="guest_pin_file", message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class PexipRooms:
    """Every room there can be, by zone: of conferences by name, and of the directory's patterns."""

    directory: Directory
    exact: Mapping[str, Mapping[str, Template]]
    patterns: Mapping[str, Mapping[str, Template]]

    def find(self, alias: str, *, zone: str) -> Room | None:
        """Find the room that an alias has in a zone; None where there is none, or where its name would not fit."""
        conference = self.directory.find(alias)
        if conference is None:
            return None
        templates = self.exact.get(conference.name) or self._of_pattern(conference.name)
        template = templates.get(zone)
        if template is None:
            return None
        at_home = zone == conference.zones[0]
        name = template.name or (conference.name if at_home else f"{conference.name}{OF_ZONE}{zone}]")
        tag = f"{TAG_PREFIX}{zone}:{conference.name}"
        fits = text(name) is None and text(tag) is None and read_tag(tag) == (zone, conference.name)
        signs_in = conference.sso_group is not None
        return Room(name=name, tag=tag, template=template, signs_in=signs_in) if fits else None

    def _of_pattern(self, name: str) -> Mapping[str, Template]:
        return next((found for pattern, found in self.patterns.items() if glob_covers(pattern, name)), {})


def read_tag(service_tag: str) -> tuple[str, str] | None:
    """Return zone and conference of a room that was issued here; None for anybody else's."""
    found = _TAG.fullmatch(service_tag)
    if found is None:
        return None
    zone, conference = found["zone"], found["conference"]
    try:
        # Two spellings of one tag would be two conferences of a pattern.
        return (zone, conference) if canonical_alias(conference) == conference else None
    except ValueError:
        return None
