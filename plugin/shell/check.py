"""Everything that can be known to be wrong before anything starts, found in one go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import cast

from plugin.core.directory import Directory
from plugin.core.facts import Line, Separate
from plugin.device_ports import EnrolmentFormat, EvidenceFormat
from plugin.group_ports import GroupSettings
from plugin.platforms.pexip_rooms import PexipRooms
from plugin.policy.bundle import Bundle
from plugin.policy.problems import BundleProblems
from plugin.policy.seat import outward
from plugin.policy.setting import Setting
from plugin.ports import AttestationVerifier, IdpAdapter
from plugin.shell.bundles import load_bundle, run_cases
from plugin.shell.check_devices import Ends, check_device_cas
from plugin.shell.check_rooms import build_rooms, check_restrictions
from plugin.shell.config import Config, read_config
from plugin.shell.config_identity import IdpEntry
from plugin.shell.registry import device_formats, group_services, idp_adapters, verifiers
from plugin.shell.stamps import Stamps
from plugin.shell.toml_reader import Problems

NOTHING_SEEN: Stamps = MappingProxyType({})


class CheckFailed(Exception):
    """Everything that is wrong, each as `file:line: problem` or `file: key.path: problem`.

    `seen` are the files that have been looked at, as each was just before.
    """

    def __init__(self, problems: tuple[str, ...], *, seen: Stamps = NOTHING_SEEN) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.seen = seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A configuration with nothing known to be wrong, and what was built from it on the way."""

    config: Config
    bundle: Bundle
    directory: Directory
    rooms: PexipRooms
    providers: dict[str, IdpAdapter]
    verifiers: dict[str, AttestationVerifier]
    enrolment_formats: dict[str, EnrolmentFormat]
    seen: Stamps
    shadow: Bundle | None = None
    ends: Ends = field(default_factory=Ends)


def check(file: Path) -> Checked:
    """Check a configuration and everything that it names. Raises CheckFailed with all that is wrong."""
    checked = prepare(file)
    problems = Problems(file=str(file), folder=file.parent)
    check_restrictions(checked.config, bundle=checked.bundle, rooms=checked.rooms, problems=problems)
    if problems.found:
        raise CheckFailed(tuple(map(str, problems.found)), seen=checked.seen)
    return checked


def prepare(file: Path, *, formats: Mapping[str, EvidenceFormat] | None = None) -> Checked:
    """Check all but what takes seconds: whether the rooms refuse what the policies refuse (joins are denied then).

    `formats` None = the installed formats of device evidence.
    """
    formats = device_formats() if formats is None else formats
    problems = Problems(file=str(file), folder=file.parent)
    config = read_config(file, problems=problems, formats=formats)
    if config is None:
        raise CheckFailed(tuple(map(str, problems.found)), seen=problems.seen)
    providers = _build_providers(config, problems=problems)
    device_verifiers = _build_verifiers(config, problems=problems)
    ends = Ends()
    if device_verifiers:  # else no anchors could be read, which has been noted
        ends = check_device_cas(config.device_cas, now=datetime.now(UTC), problems=problems)
    enrolment_formats, results_of_others = _build_formats(config, formats=formats, problems=problems)
    rooms = build_rooms(config, problems=problems)
    bundle, policy_problems = _load_bundle(config.bundle, config=config)
    shadow = None
    if config.shadow:
        shadow, found = _load_bundle(config.shadow, config=config)
        policy_problems += tuple(f"shadow: {problem}" for problem in found)
    if bundle and not problems.found:
        _check_conferences(config, bundle=bundle, problems=problems)
    if shadow and not problems.found:
        _check_classifications(config, bundle=shadow, whose=" by the shadow bundle", problems=problems)
    if problems.found or policy_problems or bundle is None:
        raise CheckFailed((*map(str, problems.found), *policy_problems), seen=problems.seen)
    return Checked(
        config=config,
        bundle=bundle,
        directory=rooms.directory,
        rooms=rooms,
        providers=providers,
        verifiers=device_verifiers | results_of_others,
        enrolment_formats=enrolment_formats,
        seen=problems.seen,
        shadow=shadow,
        ends=ends,
    )


def judge_cases(checked: Checked) -> list[tuple[str, tuple[str, ...]]]:
    """Judge the bundle's example cases: each by name, with what differs from what it expects. Raises CheckFailed."""
    try:
        return run_cases(checked.config.bundle, setting=checked.bundle.setting, directory=checked.directory)
    except BundleProblems as found:
        raise CheckFailed(tuple(map(str, found.problems))) from None


def setting_of(config: Config) -> Setting:
    """Return what policies are written against: zones, organisations, issuers."""
    return Setting(
        zones=tuple(zone.name for zone in config.zones),
        inside=frozenset(zone.name for zone in config.zones if zone.inside),
        house=config.house,
        orgs=config.orgs,
        issuers={idp.settings.issuer: idp.settings.org for idp in config.idps},
        room_systems=frozenset(
            entry.trunk.name
            for entry in config.trunks
            if entry.trunk.line is Line.ROOM_SYSTEM and entry.trunk.org in config.house
        ),
    )


def _build_providers(config: Config, *, problems: Problems) -> dict[str, IdpAdapter]:
    adapters, providers = idp_adapters(), {}
    for entry in config.idps:
        build = adapters.get(entry.adapter)
        if build is None:
            problems.add(f"{entry.place}.adapter", f"got `{entry.adapter}`, expected one of {sorted(adapters)}")
            continue
        try:
            providers[entry.settings.issuer] = build(entry.settings)
        except ValueError as error:
            problems.add(entry.place, str(error))
        if entry.groups is not None:
            _check_groups(entry, groups=entry.groups, problems=problems)
    return providers


def _check_groups(entry: IdpEntry, *, groups: GroupSettings, problems: Problems) -> None:
    services = group_services()
    if entry.adapter not in services:
        expected = ", ".join(f"`{name}`" for name in sorted(services))
        problems.add(f"{entry.place}.groups", f"got it for `{entry.adapter}`, expected it only for {expected}")
        return
    try:
        services[entry.adapter](entry.settings, groups)
    except ValueError as error:
        problems.add(f"{entry.place}.groups", str(error))


def _build_verifiers(config: Config, *, problems: Problems) -> dict[str, AttestationVerifier]:
    if not all(anchor.certificates for anchor in config.device_cas):
        return {}  # noted where the file was read
    try:
        return verifiers(config.device_cas)
    except ValueError as error:
        problems.add("device_ca", str(error))
        return {}


def _build_formats(
    config: Config, *, formats: Mapping[str, EvidenceFormat], problems: Problems
) -> tuple[dict[str, EnrolmentFormat], dict[str, AttestationVerifier]]:
    """Build the formats that have a table: those of enrolled devices, and those of results that need no enrolment."""
    enrolled, others = dict[str, EnrolmentFormat](), dict[str, AttestationVerifier]()
    for index, (name, settings) in enumerate(config.evidence.items()):
        try:
            built = formats[name].build(settings)
        except ValueError as error:
            problems.add(f"evidence[{index}]", str(error))
            continue
        if hasattr(built, "prove"):
            enrolled[name] = cast("EnrolmentFormat", built)
        else:
            others[name] = built
    return enrolled, others


def _load_bundle(folder: Path, *, config: Config) -> tuple[Bundle | None, tuple[str, ...]]:
    try:
        return load_bundle(folder, setting=setting_of(config)), ()
    except BundleProblems as found:
        return None, tuple(map(str, found.problems))


def _check_conferences(config: Config, *, bundle: Bundle, problems: Problems) -> None:
    """Note what only the bundle can tell of a conference: its classification, and a seat that it does not have."""
    _check_classifications(config, bundle=bundle, whose="", problems=problems)
    for entry in config.conferences:
        conference = entry.conference
        rooms = outward(conference, setting=bundle.setting)
        if conference.sso_group and conference.separate is Separate.DENY and len(rooms) > 1:
            message = "people whom the platform signs in arrive outermost, where `separate` denies them all"
            problems.add(f"{entry.place}.sso_group", message)
        if conference.sso_group and rooms and rooms[-1] in bundle.setting.inside:
            message = "people are signed in in the outermost room, expected a zone that is outside"
            problems.add(f"{entry.place}.sso_group", message)
        if not rooms:
            message = "the conference takes people from outside the house, expected a zone that is outside too"
            problems.add(f"{entry.place}.zones", message)


def _check_classifications(config: Config, *, bundle: Bundle, whose: str, problems: Problems) -> None:
    expected = f"expected one of {', '.join(sorted(bundle.data.classifications))}{whose}"
    for entry in config.conferences:
        if entry.conference.classification not in bundle.data.classifications:
            problems.add(f"{entry.place}.classification", f"got `{entry.conference.classification}`, {expected}")
