"""The part of `vestibule.toml` that says where the service listens, and who may scrape it."""

from dataclasses import dataclass
from ipaddress import ip_address

from plugin.core.address import IpNetwork
from plugin.shell.fetch import is_loopback
from plugin.shell.toml_reader import Table

MAX_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsEntry:
    """The `[metrics]` table. `networks` = who may ask beside this machine itself."""

    host: str
    port: int
    networks: tuple[IpNetwork, ...]


def read_metrics(root: Table, *, door: tuple[str, int]) -> MetricsEntry | None:
    """Read the table, None where there is none. `door` is where platforms and clients come: never the same place."""
    if not root.has("metrics"):
        return None
    table = root.table("metrics")
    host, port = read_listen(table, default="127.0.0.1:9464")
    networks = table.networks("networks")
    if not networks and not is_loopback(host):
        table.problem("networks", f"missing, expected who may ask at `{host}`, which is not a loopback address")
    if port and port == door[1] and (host == door[0] or _is_every(host) or _is_every(door[0])):
        table.problem("listen", f"got port `{port}`, which is that of `[server] listen`, expected one of its own")
    table.finish()
    return MetricsEntry(host=host, port=port, networks=networks)


def read_listen(table: Table, *, default: str) -> tuple[str, int]:
    """Read `address:port`."""
    text = table.text("listen", default=default, pattern=r".+:\d{1,5}", expected="`address:port`")
    host, _, port = text.rpartition(":")
    if int(port) > MAX_PORT:
        table.problem("listen", f"got port `{port}`, expected 0 to {MAX_PORT}")
    return host.strip("[]"), int(port)


def _is_every(host: str) -> bool:
    """Say whether listening there is listening at every address of the machine."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
