from ipaddress import ip_address, ip_network

import pytest
from aiohttp.test_utils import make_mocked_request

from plugin.shell.source import source_of

PROXIES = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/24"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["10.0.0.1"], "192.0.2.7"),
        ("127.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("127.0.0.1", ["198.51.100.9, 192.0.2.7"], "192.0.2.7"),
        ("127.0.0.1", ["198.51.100.9", "192.0.2.7, 10.0.0.1"], "192.0.2.7"),
        ("127.0.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        ("::ffff:127.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["10.0.0.1"], None),
        ("127.0.0.1", ["192.0.2.7, unknown"], None),
        ("127.0.0.1", ["192.0.2.7,"], None),
    ],
)
def test_only_listed_proxies_are_believed(peer: str, forwarded: list[str], source: str | None) -> None:
    request = make_mocked_request("GET", "/", headers=[("X-Forwarded-For", value) for value in forwarded])
    request = request.clone(remote=peer)

    found = source_of(request, proxies=PROXIES)

    assert found == (ip_address(source) if source else None)
