"""The part of `vestibule.toml` that says which platforms may ask, and how each is answered."""

from dataclasses import dataclass, field

from plugin.platforms.generic import CallerRights
from plugin.platforms.pexip import PexipSettings
from plugin.shell.source import IpNetwork
from plugin.shell.toml_reader import LEAST_TOKEN, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerEntry:
    """One `[[caller]]` table: who may use `POST /v1/joins`.

    `traces` = the traces of its joins continue here; otherwise its `traceparent` is ignored.
    """

    rights: CallerRights
    traces: bool
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


def read_caller(table: Table) -> CallerEntry:
    """Read one `[[caller]]` table."""
    rights = CallerRights(
        name=table.text("name"),
        conferences=table.texts("conferences", required=True) if table.has("conferences") else ("*",),
        addresses_are_callers=table.flag("addresses_are_callers", default=False),
    )
    entry = CallerEntry(
        rights=rights,
        traces=table.flag("traces", default=False),
        token=table.secret("token", required=True, least=LEAST_TOKEN) or "",
    )
    table.finish()
    return entry


def read_pexip(table: Table) -> PexipEntry:
    """Read the `[pexip]` table."""
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
        sources=table.networks("sources"),
        settings=settings,
    )
    table.finish()
    return entry
