"""The part of `vestibule.toml` that says which platforms may ask, and how each is answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from plugin.core.address import IpNetwork
from plugin.core.decision import Capability
from plugin.flow.assertions import PlatformIdp
from plugin.platforms.generic import CallerRights
from plugin.platforms.pexip import PexipSettings
from plugin.shell.config_manager import ManagerEntry, read_manager
from plugin.shell.toml_reader import LEAST_TOKEN, Table

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# An address or a user's name means a person only until it is given to somebody else; the name may be a URI's last part.
REUSED = re.compile(r"(.*[/:.])?(e?_?mail|e_?mail_?address|upn|(preferred_|unique_)?user_?name|user_?principal_?name)")


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
    """The `[pexip]` table. `sources` empty (the key is absent) = any source that knows the password.

    `credentials` are the user names with their passwords (RFC 7617 section 2) by what each is called in traces:
    `current` and `next` while one replaces the other, else the empty name.
    """

    credentials: Mapping[str, bytes] = field(repr=False)
    path_prefix: str
    challenge: bool
    sources: tuple[IpNetwork, ...]
    settings: PexipSettings
    idps: tuple[PlatformIdp, ...]
    dead_man_script: bool
    manager: ManagerEntry | None = None


def read_caller(table: Table) -> CallerEntry:
    """Read one `[[caller]]` table."""
    rights = CallerRights(
        name=table.text("name"),
        conferences=table.texts("conferences", required=True) if table.has("conferences") else ("*",),
        addresses_are_callers=table.flag("addresses_are_callers", default=False),
        enforces=_enforces(table),
    )
    entry = CallerEntry(
        rights=rights,
        traces=table.flag("traces", default=False),
        token=table.secret("token", required=True, least=LEAST_TOKEN) or "",
    )
    table.finish()
    return entry


def _enforces(table: Table) -> frozenset[Capability]:
    """Read what the platform can keep one participant from; absent = everything."""
    names = table.texts("enforces", required=False)
    known = {capability.value: capability for capability in Capability}
    for unknown in sorted(set(names) - known.keys()):
        table.problem("enforces", f"got `{unknown}`, expected {', '.join(known)}")
    if not table.has("enforces"):
        return frozenset(Capability)
    return frozenset(known[name] for name in names if name in known)


def read_pexip(table: Table, *, settings: PexipSettings, issuers: Mapping[str, str]) -> PexipEntry:
    """Read the `[pexip]` table, and add to the settings that other tables have made.

    `issuers` maps each configured provider to its organisation.
    """
    settings = replace(
        settings,
        reject_reason=table.flag("reject_reason", default=False),
        unsafe_leave_to_platform=table.texts("unsafe_leave_to_platform", required=False),
    )
    entry = PexipEntry(
        credentials=_credentials(table),
        path_prefix=table.text("path_prefix", default="", pattern=r"(/[A-Za-z0-9._~-]+)*", expected="`/path` or empty"),
        challenge=table.flag("challenge", default=False),
        sources=table.networks("sources"),
        settings=settings,
        idps=_platform_idps(table, issuers=issuers),
        dead_man_script=table.flag("dead_man_script", default=False),
        manager=read_manager(table),
    )
    table.finish()
    return entry


def _credentials(table: Table) -> Mapping[str, bytes]:
    """Read the user name and the password, and what replaces them: nodes learn of a change one after the other."""
    # Pexip's own limits for a policy profile: 100 characters each (reference of the configuration API).
    pattern, expected = r"[^:]{1,100}", "1 to 100 characters without a colon"
    username = table.text("username", pattern=pattern, expected=expected)
    current = f"{username}:{table.secret('password', required=True) or ''}".encode()
    next_username = table.text("next_username", default="", pattern=pattern, expected=expected)
    password = table.secret("next_password", required=False)
    if password is None:
        if next_username:
            table.problem("next_password_file", "got none, expected the password that goes with `next_username`")
        return {"": current}
    following = f"{next_username or username}:{password}".encode()
    if following == current:
        table.problem("next_password", "got the present user name and password, expected others")
    return {"current": current, "next": following}


def _platform_idps(pexip: Table, *, issuers: Mapping[str, str]) -> tuple[PlatformIdp, ...]:
    """Read `[[pexip.idp]]`: the providers by which Pexip itself signs people in, each once."""
    idps: list[PlatformIdp] = []
    for table in pexip.tables("idp"):
        uuid = table.text("uuid", pattern=UUID, expected="the UUID that Pexip gives it, in lower case")
        if uuid in [idp.id for idp in idps]:
            table.problem("uuid", f"got `{uuid}` twice")
        issuer = table.text("issuer")
        if issuer not in issuers:
            table.problem("issuer", f"got `{issuer}`, expected the `issuer` of an `[[idp]]`")
        subject = _attribute(table, "subject")
        if REUSED.fullmatch(subject):
            table.problem("subject", f"got `{subject}`, expected the provider's `sub`: addresses are given to others")
        groups = _attribute(table, "groups") if table.has("groups") else None
        if subject == groups:
            table.problem("groups", f"got `{groups}`, which is the attribute of the subject")
        idps.append(PlatformIdp(id=uuid, issuer=issuer, org=issuers.get(issuer, ""), subject=subject, groups=groups))
        table.finish()
    return tuple(idps)


def _attribute(table: Table, name: str) -> str:
    """Read an attribute's name, in the one spelling that the names of parameters are compared in."""
    text = table.text(name, pattern=r"[!-~]{1,250}", expected="the name of an attribute in Pexip")
    return text.lower().replace("-", "_")
