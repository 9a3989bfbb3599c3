"""The part of `vestibule.toml` that names identity providers."""

from dataclasses import dataclass

from plugin.core.identity import Level
from plugin.ports import IdpSettings
from plugin.shell.toml_reader import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class IdpEntry:
    """One `[[idp]]` table, and the name of the adapter that it is for. `private` = its hosts are on our own network."""

    adapter: str
    settings: IdpSettings
    private: bool
    place: str


def read_idp(table: Table) -> IdpEntry:
    """Read one `[[idp]]` table."""
    settings = IdpSettings(
        issuer=table.url("issuer"),
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
