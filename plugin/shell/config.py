"""`vestibule.toml`, parsed once at start into frozen values. Collects all problems; acts on nothing.

It must never put a secret's value into a problem, a representation or a log.
"""

import ipaddress
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from plugin.core.identity import Level
from plugin.platforms.generic import CallerRights
from plugin.platforms.pexip import PexipSettings
from plugin.ports import DeviceCa, IdpSettings
from plugin.shell.config_conferences import (
    ConferenceEntry,
    ZoneEntry,
    check_covered,
    check_left,
    read_conferences,
    read_zones,
)
from plugin.shell.fetch import is_loopback
from plugin.shell.source import IpNetwork
from plugin.shell.toml_reader import Problems, Table

LEAST_TOKEN = 20
NAMES_FROM = ("subject_cn", "subject_uid", "san_dns", "san_email", "san_uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdpEntry:
    """One `[[idp]]` table, and the name of the adapter that it is for. `private` = its hosts are on our own network."""

    adapter: str
    settings: IdpSettings
    private: bool
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerEntry:
    """One `[[caller]]` table: who may use `POST /v1/joins`."""

    rights: CallerRights
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PexipEntry:
    """The `[pexip]` table. `sources` empty (the key is absent) = any source that knows the password."""

    username: str
    password: str = field(repr=False)
    path_prefix: str
    challenge: bool
    sources: tuple[IpNetwork, ...]
    settings: PexipSettings


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
    store_url: str
    bundle: Path
    house: frozenset[str]
    idps: tuple[IdpEntry, ...]
    device_cas: tuple[DeviceCa, ...]
    zones: tuple[ZoneEntry, ...]
    conferences: tuple[ConferenceEntry, ...]
    callers: tuple[CallerEntry, ...]
    pexip: PexipEntry | None
    telemetry_endpoint: str | None
    pseudonym_key: str | None = field(repr=False)
    keep_records: timedelta

    @property
    def orgs(self) -> frozenset[str]:
        """Every organisation that the configuration knows."""
        return self.house | {idp.settings.org for idp in self.idps}


def read_config(file: Path, *, problems: Problems) -> Config | None:
    """Read a configuration and note everything that is wrong with it; None where the file could not be read at all.

    With problems, the configuration is good for finding more of them and for nothing else.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        problems.add("-", f"cannot read the file: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.add("-", f"not TOML: {error}")
    else:
        return _read(Table(values, path="", problems=problems), file=file)
    return None


def _read(root: Table, *, file: Path) -> Config:
    server = root.table("server")
    host, port = _listen(server)
    policy = root.table("policy")
    store = root.table("store")
    telemetry = root.table("telemetry")
    records = root.table("records")
    idps = tuple(_idp(table) for table in root.tables("idp"))
    _no_repetition(root, [idp.settings.issuer for idp in idps], key="idp.issuer")
    callers = tuple(_caller(table) for table in root.tables("caller"))
    _no_repetition(root, [caller.rights.name for caller in callers], key="caller.name")
    house = frozenset(policy.texts("house", required=True))
    issuers = {idp.settings.issuer: idp.settings.org for idp in idps}
    zones = read_zones(root)
    config = Config(
        file=file,
        host=host,
        port=port,
        public_url=_url(server, "public_url"),
        tenant=server.text("tenant", default="default"),
        requests_per_minute=server.number("requests_per_minute", default=120, least=1, most=1_000_000),
        proxies=_networks(server, "proxies"),
        store_url=_store_url(store),
        bundle=policy.path("bundle"),
        house=house,
        idps=idps,
        device_cas=tuple(_device_ca(table, issuers=issuers) for table in root.tables("device_ca")),
        zones=zones,
        conferences=read_conferences(root, zones=zones, house=house, issuers=issuers),
        callers=callers,
        pexip=_pexip(root.table("pexip")) if root.has("pexip") else None,
        telemetry_endpoint=_url(telemetry, "endpoint") if telemetry.has("endpoint") else None,
        pseudonym_key=records.secret("pseudonym_key", required=False, least=LEAST_TOKEN),
        keep_records=timedelta(days=records.number("keep_days", default=30, least=1, most=3650)),
    )
    _check_across(root, config=config)
    for table in (root, server, policy, store, telemetry, records):
        table.finish()
    return config


def _check_across(root: Table, *, config: Config) -> None:
    """Note what no table shows by itself: names that lead nowhere, and settings that contradict each other."""
    if config.pexip:
        left = config.pexip.settings.unsafe_leave_to_platform
        check_left(root, key="pexip.unsafe_leave_to_platform", patterns=left, entries=config.conferences)
    for org in sorted(config.house - {idp.settings.org for idp in config.idps}):
        root.problem("policy.house", f"got `{org}`, expected the `org` of an `[[idp]]`")
    for caller in config.callers:
        check_covered(root, caller.rights.conferences, key=f"caller.{caller.rights.name}", entries=config.conferences)
    if not config.callers and config.pexip is None:
        root.problem("pexip", "missing, and no `[[caller]]` either: nobody could ask anything")


def _listen(server: Table) -> tuple[str, int]:
    text = server.text("listen", default="127.0.0.1:8080", pattern=r".+:\d{1,5}", expected="`address:port`")
    host, _, port = text.rpartition(":")
    if int(port) > 65535:  # noqa: PLR2004 - the largest port there is
        server.problem("listen", f"got port `{port}`, expected 0 to 65535")
    return host.strip("[]"), int(port)


def _store_url(store: Table) -> str:
    """Read the store's URL; a relative path is relative to the configuration file, not to where the service starts."""
    scheme = "sqlite:///"
    text = store.text("url", pattern=rf"{scheme}.+", expected=f"a URL such as `{scheme}state/vestibule.db`")
    return f"{scheme}{(store.problems.folder / text.removeprefix(scheme)).absolute()}"


def _url(table: Table, name: str) -> str:
    """Read a URL that is https, or http on a loopback address."""
    text = table.text(name, expected="an https URL")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        table.problem(name, f"got `{text}`, expected an https URL")
        return ""
    if parts.username or parts.password:
        table.problem(name, "got a URL with credentials in it, expected none")
    elif parts.query or parts.fragment or not host:
        table.problem(name, f"got `{text}`, expected a URL of scheme, host and path only")
    elif parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        table.problem(name, f"got `{text}`, expected https (http only on a loopback address)")
    return text


def _idp(table: Table) -> IdpEntry:
    settings = IdpSettings(
        issuer=_url(table, "issuer"),
        audience=frozenset(table.texts("audience", required=True)),
        algorithms=frozenset(table.texts("algorithms", required=True)),
        org=table.text("org", expected="the organisation of its users"),
        acr=_levels(table, "acr"),
        amr=_levels(table, "amr"),
        groups_claim=table.text("groups_claim", default="groups"),
        key_hosts=frozenset(table.texts("key_hosts", required=False)),
    )
    entry = IdpEntry(
        adapter=table.text("adapter"),
        settings=settings,
        private=table.flag("private", default=False),
        place=table.place,
    )
    table.finish()
    return entry


def _levels(table: Table, name: str) -> dict[str, Level]:
    levels = {}
    for value, level in table.mapping(name).items():
        if isinstance(level, bool) or not isinstance(level, int) or level not in tuple(Level):
            expected = ", ".join(f"{member.value} ({member.name.lower().replace('_', '-')})" for member in Level)
            table.problem(f'{name}."{value}"', f"got `{level}`, expected {expected}")
            continue
        levels[value] = Level(level)
    return levels


def _device_ca(table: Table, *, issuers: Iterable[str]) -> DeviceCa:
    owners = table.mapping("owners")
    for name, owner in owners.items():
        table.check_subject(f'owners."{name}"', owner, issuers=issuers)
    pattern = table.text("owner_pattern", default="") or None
    if pattern and (pattern.count("{name}") != 1 or "{name}" not in pattern.partition("#")[2]):
        table.problem("owner_pattern", f"got `{pattern}`, expected `issuer#subject` with one `{{name}}` in the subject")
    elif pattern:
        table.check_subject("owner_pattern", pattern, issuers=issuers)
    anchor = DeviceCa(
        name=table.text("name"),
        certificates=table.content("certificates_file") or b"",
        name_from=table.text("name_from", pattern="|".join(NAMES_FROM), expected=f"one of {', '.join(NAMES_FROM)}"),
        owners={name: str(owner) for name, owner in owners.items()},
        owner_pattern=pattern,
    )
    table.finish()
    return anchor


def _caller(table: Table) -> CallerEntry:
    rights = CallerRights(
        name=table.text("name"),
        conferences=table.texts("conferences", required=True) if table.has("conferences") else ("*",),
        addresses_are_callers=table.flag("addresses_are_callers", default=False),
    )
    entry = CallerEntry(rights=rights, token=table.secret("token", required=True, least=LEAST_TOKEN) or "")
    table.finish()
    return entry


def _pexip(table: Table) -> PexipEntry:
    settings = PexipSettings(
        addresses_are_callers=table.flag("addresses_are_callers", default=False),
        reject_reason=table.flag("reject_reason", default=False),
        unsafe_leave_to_platform=table.texts("unsafe_leave_to_platform", required=False),
    )
    # Pexip's own limits for a policy profile: 100 characters each (reference of the configuration API).
    entry = PexipEntry(
        username=table.text("username", pattern=r"[^:]{1,100}", expected="1 to 100 characters without a colon"),
        password=table.secret("password", required=True, least=1) or "",
        path_prefix=table.text("path_prefix", default="", pattern=r"(/[A-Za-z0-9._~-]+)*", expected="`/path` or empty"),
        challenge=table.flag("challenge", default=False),
        sources=_networks(table, "sources"),
        settings=settings,
    )
    table.finish()
    return entry


def _networks(table: Table, name: str) -> tuple[IpNetwork, ...]:
    networks = []
    for text in table.texts(name, required=table.has(name)):
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            table.problem(name, f"got `{text}`, expected a network such as `192.0.2.0/24`")
    return tuple(networks)


def _no_repetition(table: Table, names: list[str], *, key: str) -> None:
    for name in sorted({name for name in names if names.count(name) > 1}):
        table.problem(key, f"got `{name}` twice")
