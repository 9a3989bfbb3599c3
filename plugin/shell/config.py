"""`vestibule.toml`, parsed once at start into frozen values. Collects all problems; acts on nothing.

It must never put a secret's value into a problem, a representation or a log.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from plugin.core.address import IpNetwork
from plugin.core.trunks import TrunkEntry
from plugin.device_ports import EvidenceFormat, EvidenceSettings
from plugin.flow.enrolment import EnrolmentRules
from plugin.platforms import pexip_fields
from plugin.platforms.pexip import PexipSettings
from plugin.ports import DeviceCa
from plugin.shell.config_conferences import (
    ConferenceEntry,
    ZoneEntry,
    check_covered,
    check_left,
    read_conferences,
    read_zones,
)
from plugin.shell.config_devices import read_device_ca
from plugin.shell.config_evidence import read_enrolment, read_evidence
from plugin.shell.config_identity import IdpEntry, read_idp
from plugin.shell.config_listeners import MetricsEntry, read_listen, read_metrics
from plugin.shell.config_places import LocationEntry, names_of, read_locations, read_trunks
from plugin.shell.config_platforms import CallerEntry, PexipEntry, read_caller, read_pexip
from plugin.shell.config_portal import PortalIdp, read_portal
from plugin.shell.config_registrations import phonebook_of, read_registrations
from plugin.shell.toml_reader import LEAST_TOKEN, Problems, Table
from plugin.stores.decision_log import STANDARD_OUTPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the file says. What depends on the bundle, the adapters and the rooms is checked by `shell.check`."""

    file: Path
    host: str
    port: int
    public_url: str
    tenant: str
    requests_per_minute: int
    proxies: tuple[IpNetwork, ...]
    client_certificates: bool
    store_url: str
    bundle: Path
    shadow: Path | None
    house: frozenset[str]
    idps: tuple[IdpEntry, ...]
    portal: tuple[PortalIdp, ...]
    device_cas: tuple[DeviceCa, ...]
    evidence: Mapping[str, EvidenceSettings]
    enrolment: EnrolmentRules
    locations: tuple[LocationEntry, ...]
    trunks: tuple[TrunkEntry, ...]
    zones: tuple[ZoneEntry, ...]
    conferences: tuple[ConferenceEntry, ...]
    callers: tuple[CallerEntry, ...]
    pexip: PexipEntry | None
    metrics: MetricsEntry | None
    telemetry_endpoint: str | None
    pseudonym_key: str | None = field(repr=False)
    keep_records: timedelta
    decision_log: str | None
    secret_files: tuple[Path, ...]

    @property
    def orgs(self) -> frozenset[str]:
        """Every organisation that the configuration knows."""
        return self.house | {idp.settings.org for idp in self.idps}


WEBAUTHN = "webauthn"  # the format that browsers speak
NO_FORMATS: Mapping[str, EvidenceFormat] = {}


def read_config(file: Path, *, problems: Problems, formats: Mapping[str, EvidenceFormat] = NO_FORMATS) -> Config | None:
    """Read a configuration and note everything that is wrong with it; None where the file could not be read at all.

    With problems, the configuration is good for finding more of them and for nothing else.
    """
    try:
        values = tomllib.loads(problems.see(file).read_text(encoding="utf-8"))
    except OSError as error:
        problems.add("", f"cannot read the file: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.add("", f"not TOML: {error}")
    else:
        root = Table(values, path="", problems=problems)
        config = read_tables(root, file=file, formats=formats)
        _check_across(root, config=config)
        return config
    return None


def read_tables(root: Table, *, file: Path, formats: Mapping[str, EvidenceFormat] = NO_FORMATS) -> Config:
    """Read the tables of a file that could be parsed, and note in them what is wrong."""
    server, policy, store, telemetry, records = map(root.table, ("server", "policy", "store", "telemetry", "records"))
    host, port = read_listen(server, default="127.0.0.1:8080")
    idps = tuple(entry for table in root.tables("idp") for entry in read_idp(table))
    house = frozenset(policy.texts("house", required=True))
    issuers = {idp.settings.issuer: idp.settings.org for idp in idps}
    orgs = house | frozenset(issuers.values())
    locations = read_locations(root)
    zones = read_zones(root, locations=locations)
    trunks = read_trunks(root, locations=locations, orgs=orgs)
    conferences = read_conferences(root, zones=zones, house=house, issuers=issuers, trunks=names_of(trunks))
    config = Config(
        file=file,
        host=host,
        port=port,
        public_url=(public_url := server.url("public_url")),
        tenant=server.text("tenant", default="default"),
        requests_per_minute=server.number("requests_per_minute", default=120, least=1, most=1_000_000),
        proxies=server.networks("proxies"),
        client_certificates=server.flag("client_certificates", default=False),
        store_url=_store_url(store),
        bundle=policy.path("bundle"),
        shadow=policy.path("shadow") if policy.has("shadow") else None,
        house=house,
        idps=idps,
        portal=read_portal(root, idps=idps),
        device_cas=tuple(read_device_ca(table, issuers=issuers) for table in root.tables("device_ca")),
        evidence=read_evidence(root, formats=formats, public_url=public_url),
        enrolment=read_enrolment(root),
        locations=locations,
        trunks=trunks,
        zones=zones,
        conferences=conferences,
        callers=tuple(read_caller(table) for table in root.tables("caller")),
        pexip=_pexip(root, locations, zones=zones, conferences=conferences, issuers=issuers, orgs=orgs),
        metrics=read_metrics(root, door=(host, port)),
        telemetry_endpoint=telemetry.url("endpoint") if telemetry.has("endpoint") else None,
        pseudonym_key=records.secret("pseudonym_key", required=False, least=LEAST_TOKEN),
        keep_records=timedelta(days=records.number("keep_days", default=30, least=1, most=3650)),
        decision_log=_decision_log(records),
        secret_files=tuple(root.problems.secrets),  # last: by now they have all been read
    )
    _finish(root, server, policy, store, telemetry, records)
    return config


def _finish(*tables: Table) -> None:
    for table in tables:
        table.finish()


def _pexip_settings(locations: tuple[LocationEntry, ...], *, zones: tuple[ZoneEntry, ...]) -> PexipSettings:
    return PexipSettings(
        own_addresses=frozenset(place.name.casefold() for place in locations if place.addresses_are_callers),
        links={zone.name: zone.link for zone in zones if zone.link},
        media={zone.name: zone.media for zone in zones if zone.media},
        colours={zone.name: zone.colour for zone in zones if zone.colour},
    )


def _pexip(
    root: Table,
    locations: tuple[LocationEntry, ...],
    *,
    zones: tuple[ZoneEntry, ...],
    conferences: tuple[ConferenceEntry, ...],
    issuers: Mapping[str, str],
    orgs: frozenset[str],
) -> PexipEntry | None:
    if not root.has("pexip"):
        return None
    phonebook = phonebook_of(root, entries=conferences, orgs=orgs)
    settings = _pexip_settings(locations, zones=zones)
    settings = replace(settings, phonebook=phonebook, registrations=read_registrations(root, orgs=orgs))
    return read_pexip(root.table("pexip"), settings=settings, issuers=issuers)


def _check_across(root: Table, *, config: Config) -> None:
    """Note what no table shows by itself: names that lead nowhere, and settings that contradict each other."""
    _no_repetition(root, [idp.settings.issuer for idp in config.idps], key="idp.issuer")
    _no_repetition(root, [ca.name for ca in config.device_cas], key="device_ca.name")
    _no_repetition(root, [caller.rights.name for caller in config.callers], key="caller.name")
    if config.client_certificates and not (config.proxies and config.device_cas):
        root.problem("server.client_certificates", "got `true`, expected `proxies` and a `[[device_ca]]` beside it")
    if config.portal and WEBAUTHN not in config.evidence:
        root.problem("portal", f"got a page to register devices on, expected an `[[evidence]]` table for `{WEBAUTHN}`")
    if config.pexip:
        left = config.pexip.settings.unsafe_leave_to_platform
        check_left(root, key="pexip.unsafe_leave_to_platform", patterns=left, entries=config.conferences)
    for entry in config.conferences:
        if entry.conference.sso_group is not None:
            _check_sso(root, key=f"{entry.place}.sso_group", group=entry.conference.sso_group, pexip=config.pexip)
    for org in sorted(config.house - {idp.settings.org for idp in config.idps}):
        root.problem("policy.house", f"got `{org}`, expected the `org` of an `[[idp]]`")
    for caller in config.callers:
        check_covered(root, caller.rights.conferences, key=f"caller.{caller.rights.name}", entries=config.conferences)
    if not config.callers and config.pexip is None:
        root.problem("pexip", "missing, and no `[[caller]]` either: nobody could ask anything")


def _check_sso(root: Table, *, key: str, group: str, pexip: PexipEntry | None) -> None:
    """Note what is missing where the platform signs people in: whose they are, and what denies if an answer is lost."""
    if expected := pexip_fields.text(group):
        root.problem(key, f"got `{group[:80]}`, expected {expected}")
    if pexip is None or not pexip.idps:
        root.problem(key, "got a group, expected a `[[pexip.idp]]` that says whose people Pexip signs in")
    if pexip is None or not pexip.dead_man_script:
        message = "got a group, expected `[pexip] dead_man_script = true`: without that script a lost answer admits"
        root.problem(key, message)


def _store_url(store: Table) -> str:
    """Read the store's URL; a relative path is relative to the configuration file, not to where the service starts."""
    scheme = "sqlite:///"
    text = store.text("url", pattern=rf"{scheme}.+", expected=f"a URL such as `{scheme}state/vestibule.db`")
    return f"{scheme}{(store.problems.folder / text.removeprefix(scheme)).absolute()}"


def _decision_log(records: Table) -> str | None:
    """Read where decisions are logged: a path, relative to the configuration file, or `-` for standard output."""
    if not records.has("log"):
        return None
    text = records.text("log", expected="a path, or `-` for standard output")
    return text if text == STANDARD_OUTPUT else str((records.problems.folder / text).absolute())


def _no_repetition(table: Table, names: list[str], *, key: str) -> None:
    for name in sorted({name for name in names if names.count(name) > 1}):
        table.problem(key, f"got `{name}` twice")
