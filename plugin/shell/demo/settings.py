"""Writes the demo's configuration: a real `vestibule.toml` with its secrets, CA and state, in a folder of its own."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from plugin.shell.demo.cast import MFA, Cast
from plugin.shell.demo.people import ALICE

TEMPLATE = Path(__file__).parent / "vestibule.template.toml"


def write_settings(
    folder: Path,
    *,
    port: int,
    metrics_port: int,
    issuers: Mapping[str, str],
    client_id: str,
    cast: Cast,
    pexip_password: str,
) -> Path:
    """Write the configuration into an empty folder, and return its file. `issuers` are by organisation."""
    (folder / "state").mkdir()
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "secrets" / "pexip").write_text(pexip_password, encoding="utf-8")
    (folder / "device-ca.pem").write_bytes(cast.device_ca)
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        port=port,
        metrics_port=metrics_port,
        bundle=_policies(),
        acme=issuers["acme"],
        partners=issuers["partners"],
        client_id=client_id,
        mfa=MFA,
        owners=", ".join(f'"{device}" = "{owner}"' for device, owner in cast.owners(issuers).items()),
        host=ALICE.subject,
    )
    file = folder / "vestibule.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _policies() -> Path:
    """Return the example bundle: beside this file where it was installed, in `deploy/` where it is developed."""
    installed = Path(__file__).parent / "policies"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "deploy" / "policies"
