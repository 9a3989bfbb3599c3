"""The part of `vestibule.toml` that names identity providers."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta

from plugin.core.identity import Level
from plugin.core.token import AccessSettings, TokenKind
from plugin.jose.keys import parse_jwks
from plugin.ports import IdpSettings
from plugin.shell.toml_reader import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class IdpEntry:
    """One `[[idp]]` table, and the name of the adapter that it is for. `private` = its hosts are on our own network."""

    adapter: str
    settings: IdpSettings
    private: bool
    place: str


TENANT = "{tenantid}"
"""What stands in an issuer for each of the `tenants`. Microsoft writes it so in its own metadata."""


def read_idp(table: Table) -> tuple[IdpEntry, ...]:
    """Read one `[[idp]]` table. One whose issuer is a template is an entry for each of its tenants.

    So every issuer is known by its whole name: no part of a token fills a gap in what it is compared with.
    """
    words = table.choices("tokens", among=[kind.value for kind in TokenKind]) or (TokenKind.ID.value,)
    kinds = frozenset(kind for kind in TokenKind if kind.value in words)
    settings = IdpSettings(
        issuer=table.url("issuer"),
        audience=frozenset(table.texts("audience", required=True)),
        algorithms=frozenset(table.texts("algorithms", required=True)),
        org=table.text("org", expected="the organisation of its users"),
        acr=_levels(table, "acr"),
        amr=_levels(table, "amr"),
        groups_claim=table.text("groups_claim", default=""),
        tenants=frozenset(table.texts("tenants", required=False)),
        key_hosts=frozenset(table.texts("key_hosts", required=False)),
        keys_file=table.path("keys_file") if table.has("keys_file") else None,
        keys_kept=timedelta(hours=table.number("keys_kept_hours", default=24, least=1, most=168)),
        tokens=kinds,
        access=_read_access(table) if kinds - {TokenKind.ID} else None,
    )
    if settings.keys_file is not None:
        _check_keys_file(table, settings=settings)
    entry = IdpEntry(
        adapter=table.text("adapter"),
        settings=settings,
        private=table.flag("private", default=False),
        place=table.place,
    )
    table.finish()
    if TENANT not in settings.issuer:
        return (entry,)
    for tenant in sorted(tenant for tenant in settings.tenants if not re.fullmatch(r"[\w.-]+", tenant)):
        table.problem("tenants", f"got `{tenant}`, expected what may stand in a URL for `{TENANT}`")
    if not settings.tenants:
        table.problem("tenants", f"missing, expected what `{TENANT}` stands for in `issuer`")
        return (entry,)
    return tuple(replace(entry, settings=_of_tenant(settings, tenant=tenant)) for tenant in sorted(settings.tenants))


def _read_access(table: Table) -> AccessSettings:
    return AccessSettings(
        resource=table.text("resource", expected="how this service is called in the `aud` of access tokens"),
        scope=table.text("scope", default="", pattern=r"[\x21\x23-\x5b\x5d-\x7e]+", expected="one scope"),
    )


def _of_tenant(settings: IdpSettings, *, tenant: str) -> IdpSettings:
    return replace(settings, issuer=settings.issuer.replace(TENANT, tenant), tenants=frozenset())


def _check_keys_file(table: Table, *, settings: IdpSettings) -> None:
    """Note a file whose keys could verify nothing, and settings for a network that is not used then."""
    for name in ("key_hosts", "private"):
        if table.has(name):
            table.problem(name, "got a setting for asking the provider, expected none beside `keys_file`")
    content = table.content("keys_file")
    if content is None:
        return
    try:
        keys = parse_jwks(content)
        if TENANT not in settings.issuer:  # whose keys may be those of one tenant each
            keys = keys.of(settings.issuer)
    except ValueError as error:
        table.problem("keys_file", str(error))
        return
    if not keys.count(settings.algorithms):
        table.problem("keys_file", f"got no key for {', '.join(sorted(settings.algorithms))}")


def _levels(table: Table, name: str) -> dict[str, Level]:
    levels = {}
    for value, level in table.mapping(name).items():
        if isinstance(level, bool) or not isinstance(level, int) or level not in tuple(Level):
            expected = ", ".join(f"{member.value} ({member.name.lower().replace('_', '-')})" for member in Level)
            table.problem(f'{name}."{value}"', f"got `{level}`, expected {expected}")
            continue
        levels[value] = Level(level)
    return levels
