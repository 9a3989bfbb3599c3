"""`data.toml` of a bundle: classifications, networks and countries by address, and what a step-up is worth.

`classifications` lists the names that conferences may bear. `[networks]` maps names to lists of CIDRs, which may
overlap. `[countries]` maps ISO 3166 codes to lists of CIDRs, where two countries never overlap. `[step_up] prefer`
lists the zones for which somebody is asked to step up rather than redirected at once.
"""

import re
from dataclasses import dataclass

from plugin.core.address import Address, IpNetwork, read_network
from plugin.policy.addresses import AddressTable, address_table
from plugin.policy.documents import Document, Entry
from plugin.policy.problems import Problem
from plugin.policy.setting import Setting

DATA = "data.toml"
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """`classifications` and `network_names` are what policies may name."""

    classifications: tuple[str, ...]
    network_names: tuple[str, ...]
    networks: AddressTable
    countries: AddressTable
    prefer_step_up: frozenset[str]

    def country(self, address: Address) -> str | None:
        """Tell the country of an address, None where no table knows it."""
        return next(iter(self.countries.find(address)), None)


def read_data(text: str, *, setting: Setting) -> tuple[Data | None, list[Problem]]:
    """Return the data with all its problems; None where it is not TOML at all."""
    document = Document(file=DATA, text=text)
    top = document.read()
    if top is None:
        return None, document.problems
    top.refuse_unknown("classifications", "networks", "countries", "step_up")
    if not top.table.get("classifications"):
        document.problem("no classifications, expected at least one")
    networks, step_up = top.entry("networks"), top.entry("step_up")
    step_up.refuse_unknown("prefer")
    data = Data(
        classifications=top.strings("classifications"),
        network_names=tuple(sorted(networks.table)),
        networks=address_table(_networks(networks)),
        countries=_countries(top.entry("countries")),
        prefer_step_up=frozenset(step_up.names("prefer", among=setting.zones)),
    )
    return data, document.problems


def _countries(countries: Entry) -> AddressTable:
    for name in sorted(countries.table):
        if not _COUNTRY.fullmatch(name):
            countries.problem(f"unusable country `{name}`, expected an ISO 3166 code such as `NO`", near=name)
    table = address_table(_networks(countries))
    for address, names in table.stretches():
        if len(names) > 1:
            countries.problem(f"countries {', '.join(sorted(names))} overlap at `{address}`", near="countries")
    return table


def _networks(entry: Entry) -> list[tuple[str, IpNetwork]]:
    networks = []
    for name in entry.table:
        for cidr in entry.strings(name):
            try:
                networks.append((name, read_network(cidr)))
            except ValueError:
                expected = "expected a CIDR such as `192.0.2.0/24`"
                entry.problem(f"`{entry.path}{name}`: unusable network `{cidr}`, {expected}", near=cidr)
    return networks
