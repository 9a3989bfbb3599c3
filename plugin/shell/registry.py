"""Where adapters come from: entry points for identity providers and evidence formats.

A foreign adapter is installed exactly as an own one: as a package that declares the entry point.
"""

from importlib.metadata import entry_points

from plugin.device_ports import EvidenceFormat
from plugin.group_ports import BuildGroupService
from plugin.ports import AttestationVerifier, BuildIdpAdapter, BuildVerifier, DeviceCa

IDP_ADAPTERS = "vestibule.idp_adapters"
GROUP_SERVICES = "vestibule.group_services"
ATTESTATION = "vestibule.attestation"
DEVICE_FORMATS = "vestibule.device_formats"


def idp_adapters() -> dict[str, BuildIdpAdapter]:
    """Return every installed kind of identity provider by name."""
    return {point.name: point.load() for point in entry_points(group=IDP_ADAPTERS)}


def group_services() -> dict[str, BuildGroupService]:
    """Return every installed service of groups, by the name of the identity adapter that it belongs to."""
    return {point.name: point.load() for point in entry_points(group=GROUP_SERVICES)}


def verifiers(anchors: tuple[DeviceCa, ...]) -> dict[str, AttestationVerifier]:
    """Build every installed evidence format. Without trust anchors there is none: emptiness is failure, not trust."""
    if not anchors:
        return {}
    builders: dict[str, BuildVerifier] = {point.name: point.load() for point in entry_points(group=ATTESTATION)}
    return {name: build(anchors) for name, build in builders.items()}


def device_formats() -> dict[str, EvidenceFormat]:
    """Return every installed format of device evidence that an `[[evidence]]` table can switch on."""
    return {point.name: point.load() for point in entry_points(group=DEVICE_FORMATS)}
