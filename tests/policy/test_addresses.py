from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.address import read_address, read_network
from plugin.policy.addresses import address_table


@pytest.mark.parametrize(
    "text", ["", "router", "192.0.2", "192.0.2.256", "192.0.2.7:5060", "fe80::1%eth0", "192.0.2.0/24", "1"]
)
def test_what_is_no_single_address_is_none(text: str):
    assert read_address(text) is None


def test_a_mapped_address_is_the_ipv4_address_itself():
    assert read_address("::ffff:192.0.2.7") == IPv4Address("192.0.2.7")


def test_a_mapped_network_holds_the_ipv4_addresses():
    table = address_table([("office", read_network("::ffff:192.0.2.0/120"))])

    assert table.find(IPv4Address("192.0.2.255")) == {"office"}
    assert table.find(IPv4Address("192.0.3.0")) == frozenset()


@pytest.mark.parametrize("text", ["192.0.2.1/24", "192.0.2.0/33", "office", ""])
def test_a_network_with_host_bits_or_without_meaning_is_refused(text: str):
    with pytest.raises(ValueError, match=r"."):
        read_network(text)


def test_networks_may_overlap_and_then_both_names_hold():
    table = address_table([("all", read_network("0.0.0.0/0")), ("office", read_network("192.0.2.0/24"))])

    assert table.find(IPv4Address("192.0.2.7")) == {"all", "office"}
    assert table.find(IPv4Address("255.255.255.255")) == {"all"}


def test_every_ipv4_address_is_no_ipv6_address():
    table = address_table([("all", read_network("0.0.0.0/0"))])

    assert table.find(ip_address("::")) == frozenset()


def test_the_stretches_are_those_that_hold_addresses():
    table = address_table([("all", read_network("0.0.0.0/0")), ("six", read_network("::/0"))])

    assert [(int(address), names) for address, names in table.stretches()] == [(0, {"all"}), (0, {"six"})]


networks = st.tuples(
    st.sampled_from("abc"), st.tuples(st.integers(0, 255), st.integers(24, 32)).map(lambda two: _network(*two))
)


def _network(last: int, length: int) -> str:
    return f"192.0.2.{last >> (32 - length) << (32 - length)}/{length}"


@given(st.lists(networks, max_size=8), st.integers(0, 255))
def test_the_table_finds_what_a_search_through_all_networks_finds(named: list[tuple[str, str]], last: int):
    address = IPv4Address(f"192.0.2.{last}")
    expected = {name for name, network in named if address in read_network(network)}

    found = address_table([(name, read_network(network)) for name, network in named]).find(address)

    assert found == expected
