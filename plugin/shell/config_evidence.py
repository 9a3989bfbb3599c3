"""The part of `vestibule.toml` that switches on evidence of devices, and says how they are enrolled."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from plugin.core.device import Approval, Tier
from plugin.device_ports import EvidenceFormat, EvidenceSettings, Option
from plugin.flow.enrolment import EnrolmentRules
from plugin.shell.config_devices import TIERS
from plugin.shell.toml_reader import Table

Value = str | tuple[str, ...] | int | bool | bytes


def read_evidence(
    root: Table, *, formats: Mapping[str, EvidenceFormat], public_url: str
) -> Mapping[str, EvidenceSettings]:
    """Read `[[evidence]]`: what each format trusts, by the format. A format without a table is off."""
    entries: dict[str, EvidenceSettings] = {}
    for table in root.tables("evidence"):
        name = table.text("format")
        if name not in formats:
            table.problem("format", f"got `{name}`, expected one of {sorted(formats)}")
        if name in entries:
            table.problem("format", f"got `{name}` twice")
        options = formats[name].options if name in formats else {}
        settings = _evidence(table, options=options, public_url=public_url)
        if name in formats:  # else nobody knows what its other settings mean
            entries[name] = settings
            table.finish()
    return entries


def read_enrolment(root: Table) -> EnrolmentRules:
    """Read `[enrolment]`. Where nothing else is chosen, an administrator approves each device."""
    table = root.table("enrolment")
    lifetime = table.number("lifetime_days", default=90, least=1, most=3650)
    rules = EnrolmentRules(
        approval=Approval(
            table.choice("approval", among=[one.value for one in Approval], default=Approval.ADMINISTRATOR.value)
        ),
        lifetime=timedelta(days=lifetime),
        reattest=timedelta(days=table.number("reattest_days", default=lifetime, least=1, most=3650)),
        most=table.number("devices_per_person", default=5, least=1, most=100),
        login_age=timedelta(minutes=table.number("login_minutes", default=10, least=1, most=60)),
    )
    table.finish()
    return rules


def _evidence(table: Table, *, options: Mapping[str, Option], public_url: str) -> EvidenceSettings:
    parts = urlsplit(public_url)
    return EvidenceSettings(
        name=table.text("name"),
        roots=_roots(table),
        tier=Tier(table.choice("tier", among=TIERS, default=TIERS[0])),
        rp_id=parts.hostname or "",
        origin=f"{parts.scheme}://{parts.netloc}".lower(),
        options={name: _option(table, name, option=option) for name, option in options.items()},
    )


def _roots(table: Table) -> tuple[bytes, ...]:
    roots = []
    for path in table.paths("roots_files") if table.has("roots_files") else ():
        try:
            roots.append(path.read_bytes())
        except OSError as error:
            table.problem("roots_files", f"cannot read `{path.name}`: {error.strerror}")
    return tuple(roots)


def _option(table: Table, name: str, *, option: Option) -> Value:
    if option.default is not None and not table.has(name):
        return option.default
    match option.kind:
        case "text":
            return table.text(name, expected=option.about)
        case "texts":
            return table.texts(name, required=True, expected=option.about)
        case "number":
            if not table.has(name):
                table.problem(name, f"missing, expected {option.about}")
            return table.number(name, default=0, least=0, most=2**31)
        case "flag":
            if not table.has(name):
                table.problem(name, f"missing, expected {option.about}")
            return table.flag(name, default=False)
        case "file":
            return table.content(name) or b""
