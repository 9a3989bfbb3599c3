"""The part of `vestibule.toml` that names devices which register with the platform, and what they may read there."""

from collections.abc import Iterable
from itertools import combinations

from plugin.core.directory import globs_overlap
from plugin.core.registration import PROTOCOLS, Auth, LeaveSignIn, Password, RegistrationEntry
from plugin.platforms.pexip import Listing
from plugin.platforms.pexip_fields import DIRECTORY, REGISTRATION, faults
from plugin.shell.config_conferences import ConferenceEntry
from plugin.shell.toml_reader import Table


def read_registrations(root: Table, *, orgs: Iterable[str]) -> tuple[RegistrationEntry, ...]:
    """Read `[[registration]]`. Two that some alias would fit are a problem of the later one."""
    known = sorted(orgs)
    entries = tuple(_registration(table, orgs=known) for table in root.tables("registration"))
    for earlier, later in combinations(entries, 2):
        if globs_overlap(earlier.alias, later.alias):
            message = f"`{later.alias}` overlaps with `{earlier.alias}` of `{earlier.place}`"
            root.problem(f"{later.place}.alias", message)
    return entries


def phonebook_of(root: Table, *, entries: tuple[ConferenceEntry, ...], orgs: Iterable[str]) -> tuple[Listing, ...]:
    """Collect the conferences that are listed for somebody, in the order of the configuration."""
    known, phonebook = sorted(orgs), []
    for entry in entries:
        for org in sorted(entry.listed_for - set(known)):
            root.problem(f"{entry.place}.listed_for", f"got `{org}`, expected one of the organisations {known}")
        if entry.listed_for and entry.pattern:
            message = "expected it beside an `alias` only: a pattern is no name that somebody could call"
            root.problem(f"{entry.place}.listed_for", message)
        elif entry.listed_for:
            phonebook.append(_listing(root, entry=entry))
    return tuple(phonebook)


def _listing(root: Table, *, entry: ConferenceEntry) -> Listing:
    name = entry.conference.name
    line = Listing(name=name, alias=name, description=entry.description or name, listed_for=entry.listed_for)
    fields = {"username": line.name, "alias": line.alias, "description": line.description}
    for fault in faults(fields, table=DIRECTORY):
        root.problem(f"{entry.place}.{fault.field}", fault.message)
    return line


def _registration(table: Table, *, orgs: list[str]) -> RegistrationEntry:
    alias = table.text("alias", pattern=r"[^\s\[\]:;?#]{1,250}", expected="a glob of `*` and plain characters")
    if alias != alias.lower():
        table.problem("alias", f"got `{alias}`, expected lower case, as aliases are compared")
    org = table.text("org")
    if org not in orgs:
        table.problem("org", f"got `{org}`, expected one of the organisations {orgs}")
    entry = RegistrationEntry(
        place=table.place,
        alias=alias,
        org=org,
        proof=_proof(table),
        protocols=frozenset(table.choices("protocols", among=PROTOCOLS) or PROTOCOLS),
        networks=table.networks("networks"),
    )
    table.finish()
    return entry


def _proof(table: Table) -> Password | LeaveSignIn | None:
    kind = table.choice("auth", among=(auth.value for auth in Auth))
    if kind == Auth.SSO.value:
        return LeaveSignIn() if table.flag("unsafe_leave_to_platform", default=False) else None
    username, password = table.text("username"), table.secret("password", required=True) or ""
    proof = Password(username=username, password=password)
    for fault in faults({"username": username, "password": password}, table=REGISTRATION):
        # No fault shows a password.
        table.problem(fault.field, "expected 1 to 250 bytes, printable, without spaces at the ends")
    return proof
