"""The part of `vestibule.toml` that says where calls come from: the platform's locations, and trunks."""

from collections.abc import Iterable
from dataclasses import dataclass

from plugin.core.facts import Line, Trunk
from plugin.core.identity import Provenance
from plugin.core.trunks import APPS, DIAL_OUT, PROTOCOLS, TrunkEntry
from plugin.shell.toml_reader import Table

NAME = r"[a-z0-9][a-z0-9-]{0,30}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationEntry:
    """One `[[location]]` table. `addresses_are_callers` = no proxy hides the callers' addresses from its nodes."""

    name: str
    addresses_are_callers: bool


def read_locations(root: Table) -> tuple[LocationEntry, ...]:
    """Read `[[location]]`: the platform's own locations, each once whatever its case."""
    locations: list[LocationEntry] = []
    for table in root.tables("location"):
        name = table.text("name", pattern=r".{1,250}", expected="the name that the platform gives it")
        if name.casefold() in [location.name.casefold() for location in locations]:
            table.problem("name", f"got `{name}` twice")
        is_own = table.flag("addresses_are_callers", default=False)
        locations.append(LocationEntry(name=name, addresses_are_callers=is_own))
        table.finish()
    return tuple(locations)


def read_trunks(root: Table, *, locations: tuple[LocationEntry, ...], orgs: Iterable[str]) -> tuple[TrunkEntry, ...]:
    """Read `[[trunk]]`. The first that a call fits is the one that it comes by."""
    known, entries, names = sorted(orgs), [], list[str]()
    for table in root.tables("trunk"):
        name = table.text("name", pattern=NAME, expected="lower-case letters, digits and hyphens")
        if name in [*names, DIAL_OUT.name]:
            table.problem("name", f"got `{name}`, expected a name that is not taken")
        names.append(name)
        entry = _trunk(table, name=name, locations=locations, orgs=known)
        table.finish()
        if entry is not None:
            entries.append(entry)
    return tuple(entries)


def names_of(trunks: tuple[TrunkEntry, ...]) -> frozenset[str]:
    """Return the names by which the lists of conferences may speak of trunks."""
    return frozenset(entry.trunk.name for entry in trunks)


def _trunk(table: Table, *, name: str, locations: tuple[LocationEntry, ...], orgs: list[str]) -> TrunkEntry | None:
    org = table.text("org", default="") or None
    if org is not None and org not in orgs:
        table.problem("org", f"got `{org}`, expected one of the organisations {orgs}")
    kinds = [line.value for line in Line]
    kind = table.choice("kind", among=kinds)
    places = frozenset(text.casefold() for text in table.texts("locations", required=table.has("locations")))
    for unknown in sorted(places - {location.name.casefold() for location in locations}):
        table.problem("locations", f"got `{unknown}`, expected locations that have a `[[location]]` table")
    protocols = frozenset(table.choices("protocols", among=(*PROTOCOLS, *APPS)) or PROTOCOLS)
    networks, asserted = table.networks("networks"), _patterns(table, "asserted")
    registrations, aliases = _patterns(table, "registrations"), _patterns(table, "aliases")
    tenants = frozenset(text.lower() for text in table.texts("teams_tenants", required=table.has("teams_tenants")))
    if not networks and not registrations:
        table.problem("networks", "missing, and no `registrations` either: anybody could say to come by this trunk")
    if asserted and not networks:
        table.problem("asserted", "got it without `networks`, expected the proxies whose word it is")
    apps = protocols & set(APPS) and not registrations
    if apps:
        table.problem("protocols", "got apps without `registrations`: people share its address, and type any alias")
    if not (networks or registrations) or (asserted and not networks) or apps or kind not in kinds:
        return None
    # A header is worth what the network is worth that it came from.
    provenance = Provenance.PLATFORM if registrations else Provenance.NETWORK
    return TrunkEntry(
        trunk=Trunk(name=name, org=org, line=Line(kind), provenance=provenance),
        networks=networks,
        locations=places,
        registrations=registrations,
        aliases=aliases,
        asserted=asserted,
        teams_tenants=tenants,
        protocols=protocols,
    )


def _patterns(table: Table, name: str) -> tuple[str, ...]:
    """Read globs over whole aliases, in the form in which aliases are compared."""
    patterns = table.texts(name, required=table.has(name))
    for pattern in patterns:
        if pattern != pattern.lower() or ":" in pattern:
            table.problem(name, f"got `{pattern}`, expected a glob in lower case without a scheme")
    return patterns
