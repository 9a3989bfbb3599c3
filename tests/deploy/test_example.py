"""The shipped example configuration is whole: with its secrets and the shipped bundle beside it, nothing is wrong."""

import shutil
import tomllib
from pathlib import Path

from plugin.shell.check import check
from tests.shell.world import DeviceAuthority

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SECRETS = {
    "pin_file": "493817",
    "password_file": "a password",
    "next_password_file": "another",
    "token_file": "t" * 20,
    "pseudonym_key_file": "k" * 20,
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


def test_nothing_is_wrong_with_the_example(tmp_path: Path):
    shutil.copy(DEPLOY / "vestibule.toml", tmp_path)
    shutil.copytree(DEPLOY / "policies", tmp_path / "policies")
    (tmp_path / "device-ca.pem").write_bytes(DeviceAuthority().pem)
    (tmp_path / "secrets").mkdir()
    example = tmp_path / "vestibule.toml"
    for file, secret in secret_files(tomllib.loads(example.read_text())).items():
        (tmp_path / file).write_text(f"{secret}\n")

    checked = check(example)

    assert checked.config.pexip is not None
