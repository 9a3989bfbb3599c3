"""The shipped example configuration is whole: with its secrets and the shipped bundle beside it, nothing is wrong."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from joserfc.jwk import KeySet

from plugin.core.decision import Redirect
from plugin.core.facts import Facts
from plugin.core.finding import ABSENT
from plugin.core.join import Network
from plugin.policy.judge import judge
from plugin.shell.check import check, prepare
from plugin.shell.registry import device_formats
from tests.fakes import NOON
from tests.shell.world import DeviceAuthority

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SECRETS = {
    "pin_file": "493817",
    "password_file": "a password",
    "next_password_file": "another",
    "token_file": "t" * 20,
    "secret_file": "a secret",
    "client_secret_file": "s" * 20,
    "pseudonym_key_file": "k" * 20,
}
TRUSTED = {
    "references_file": f'[sha256]\n7 = ["{"00" * 32}"]'.encode(),
    "status_file": b'{"entries": {}}',
}


def secret_files(table: object) -> dict[str, str]:
    """Find every secret file that a table names, with a secret of its kind."""
    found = {}
    items = table.items() if isinstance(table, dict) else enumerate(table if isinstance(table, list) else [])
    for name, value in items:
        if name in SECRETS:
            found[value] = SECRETS[name]
        found |= secret_files(value)
    return found


def trusted_files(table: dict[str, object]) -> dict[str, bytes]:
    """Make every file that a table of evidence names."""
    roots = table.get("roots_files", [])
    assert isinstance(roots, list)
    keys = KeySet.generate_key_set("EC", "P-256", count=1).as_dict(private=False)
    made = {name: json.dumps(keys).encode() if name.endswith(".jwks") else DeviceAuthority().pem for name in roots}
    return made | {str(table[name]): content for name, content in TRUSTED.items() if name in table}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    shutil.copy(DEPLOY / "vestibule.toml", tmp_path)
    shutil.copytree(DEPLOY / "policies", tmp_path / "policies")
    (tmp_path / "device-ca.pem").write_bytes(DeviceAuthority().pem)
    (tmp_path / "pexip-manager-ca.pem").write_bytes(DeviceAuthority().pem)
    (tmp_path / "secrets").mkdir()
    example = tmp_path / "vestibule.toml"
    for file, secret in secret_files(tomllib.loads(example.read_text())).items():
        (tmp_path / file).write_text(f"{secret}\n")
    for table in tomllib.loads(example.read_text())["evidence"]:
        for file, content in trusted_files(table).items():
            (tmp_path / file).write_bytes(content)
    return example


def test_nothing_is_wrong_with_the_example(example: Path):
    checked = check(example)

    assert checked.config.pexip is not None


def test_the_examples_partner_gateway_gets_in_where_the_example_invites_it(example: Path):
    checked = prepare(example)
    gateway = next(entry for entry in checked.config.trunks if entry.trunk.name == "partners-mcu")
    own = {location.name.casefold() for location in checked.config.locations if location.addresses_are_callers}
    board = checked.directory.find("board")
    assert board is not None
    facts = Facts(
        conference=board,
        zone=None,
        protocol="sip",
        identity=ABSENT,
        device=ABSENT,
        trunk=gateway.trunk,
        network=Network(address=str(gateway.networks[0].network_address), located=gateway.locations <= own),
        assurances=(),
        now=NOON,
    )

    decision = judge(checked.bundle, facts)

    assert isinstance(decision, Redirect)
    assert (decision.zone, decision.apart) == ("meetme", False)


def test_the_example_shows_every_format_of_enrolled_devices_with_every_option(example: Path):
    tables = [part.partition("\n[enrolment]")[0] for part in example.read_text().split("[[evidence]]")[1:]]

    for name, kind in device_formats().items():
        (table,) = (table for table in tables if f'\nformat = "{name}"' in table)
        missing = [option for option in kind.options if f"\n{option} =" not in table.replace("\n# ", "\n")]
        assert missing == [], name
