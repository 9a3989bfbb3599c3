"""The part of `vestibule.toml` that says who vouches for devices."""

from collections.abc import Iterable

from plugin.ports import DeviceCa
from plugin.shell.toml_reader import Table

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
        name_from=table.text("name_from", pattern="|".join(NAMES_FROM), expected=f"one of {', '.join(NAMES_FROM)}"),
        owners={name: str(owner) for name, owner in owners.items()},
        owner_pattern=pattern,
    )
    table.finish()
    return anchor
