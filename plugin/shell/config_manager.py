"""The part of `vestibule.toml` that names Pexip's Management Node, which is read and never written to."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from plugin.shell.toml_reader import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerEntry:
    """The `[pexip.manager]` table. `ca` None = the CAs of the system; `watch_minutes` 0 = only the doctor asks it.

    `policy_url` None = that of `[server] public_url` and `[pexip] path_prefix`.
    """

    url: str
    username: str
    password: str = field(repr=False)
    ca: str | None
    policy_url: str | None
    watch_minutes: int


def read_manager(pexip: Table) -> ManagerEntry | None:
    """Read `[pexip.manager]`, None where there is none."""
    if not pexip.has("manager"):
        return None
    table = pexip.table("manager")
    url = table.url("url")
    if url and urlsplit(url).path not in {"", "/"}:
        table.problem("url", f"got `{url}`, expected scheme and host only")
    entry = ManagerEntry(
        url=url,
        username=table.text("username", pattern=r"[^:]{1,100}", expected="1 to 100 characters without a colon"),
        password=table.secret("password", required=True) or "",
        ca=_ca(table),
        policy_url=table.url("policy_url") if table.has("policy_url") else None,
        watch_minutes=table.number("watch_minutes", default=0, least=0, most=60),
    )
    table.finish()
    return entry


def _ca(table: Table) -> str | None:
    if not table.has("ca_file"):
        return None
    text = (table.content("ca_file") or b"").decode("ascii", errors="replace")
    try:
        # An empty text would mean the CAs of the system.
        anchors = ssl.create_default_context(cadata=text).cert_store_stats()["x509"] if text else 0
    except (ssl.SSLError, ValueError):
        anchors = 0
    if not anchors:
        table.problem("ca_file", "expected certificates in PEM")
    return text
