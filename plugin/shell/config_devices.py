"""The part of `vestibule.toml` that says who vouches for devices."""

from collections.abc import Iterable

from plugin.core.device import Tier
from plugin.ports import DeviceCa, Ocsp
from plugin.shell.toml_reader import Table

# What no policy could rely on, nobody has to configure.
TIERS = (Tier.AFFIRMING.value, Tier.WARNING.value)
NAMES_FROM = ("subject_cn", "subject_uid", "san_dns", "san_email", "san_uri")


def read_device_ca(table: Table, *, issuers: Iterable[str]) -> DeviceCa:
    """Read one `[[device_ca]]` table. `issuers` are those whose people may own devices."""
    owners = table.mapping("owners")
    for name, owner in owners.items():
        table.check_subject(f'owners."{name}"', owner, issuers=issuers)
    pattern = table.text("owner_pattern", default="") or None
    if pattern and (pattern.count("{name}") != 1 or "{name}" not in pattern.partition("#")[2]):
        table.problem("owner_pattern", f"got `{pattern}`, expected `issuer#subject` with one `{{name}}` in the subject")
    elif pattern:
        table.check_subject("owner_pattern", pattern, issuers=issuers)
    anchor = DeviceCa(
        name=table.text("name"),
        certificates=table.content("certificates_file") or b"",
        name_from=table.choice("name_from", among=NAMES_FROM),
        owners={name: str(owner) for name, owner in owners.items()},
        owner_pattern=pattern,
        tier=Tier(table.choice("tier", among=TIERS, default=TIERS[0])),
        crl_files=table.paths("crl_file") if table.has("crl_file") else (),
        ocsp=_ocsp(table),
        warn_days=table.number("warn_days", default=14, least=0, most=3650),
    )
    table.finish()
    return anchor


def _ocsp(table: Table) -> Ocsp | None:
    private, nonce = table.flag("ocsp_private", default=False), table.flag("ocsp_nonce", default=False)
    if not table.has("ocsp_url"):
        for name in ("ocsp_private", "ocsp_nonce"):
            if table.has(name):
                table.problem(name, "got a setting for an OCSP responder, expected `ocsp_url` beside it")
        return None
    return Ocsp(url=table.url("ocsp_url", plain=True), private=private, nonce=nonce)
