"""`vestibule devices`: what an administrator does about enrolled devices, beside the running service.

It works on the store that the configuration names; the service sees each act at its next question. It names people to
whoever runs it, and writes them nowhere else.
"""

import argparse
import asyncio
import csv
import json
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from plugin.core.device import Approval, DeviceState, EnrolledDevice
from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.flow.devices import Devices, check_standing, in_state
from plugin.flow.enrolment import INVITATION_PREFIX, KIND_INVENTORY, KIND_INVITATION, hash_of
from plugin.ports import Store
from plugin.shell.check import CheckFailed
from plugin.shell.config import Config, read_config
from plugin.shell.registry import device_formats
from plugin.shell.toml_reader import Problems
from plugin.shell.wiring import utc_now
from plugin.stores.sqlite import SCHEME, open_sqlite

INVITED = timedelta(days=7)
LISTED = timedelta(days=3650)
COLUMNS = ("id", "state", "owner", "name", "format", "tier", "approval", "expires")
Act = Callable[[Store, Config, argparse.Namespace], Coroutine[None, None, str]]


def add_arguments(command: argparse.ArgumentParser, *, config: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = command.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, act: Act, about: str) -> argparse.ArgumentParser:
        one = actions.add_parser(name, parents=[config], help=about)
        one.set_defaults(act=act)
        return one

    listing = action("list", _list, "list every device on record")
    listing.add_argument("--json", action="store_true", help="as JSON")
    action("export", _export, "write every device on record as JSON")
    for name, act, about in (
        ("approve", _approve, "let a pending device prove itself"),
        ("revoke", _revoke, "shut a device out for good"),
        ("lost", _lost, "note a device as lost: it is shut out for good"),
    ):
        action(name, act, about).add_argument("device", help="its id")
    one = action("import", _import, "read an inventory of serials: CSV or JSON with `serial` and, if known, `owner`")
    one.add_argument("file", type=Path, help="the inventory: `.json`, else CSV with a header")
    one = action("invite", _invite, f"make an invitation to enrol one device within {INVITED.days} days")
    one.add_argument("owner", help="`issuer#subject`")


def report(options: argparse.Namespace) -> str:
    """Run one action, and return what there is to say of it. Raises CheckFailed, and Unavailable."""
    problems = Problems(file=str(options.config), folder=options.config.parent)
    config = read_config(options.config, problems=problems, formats=device_formats())
    if config is None or problems.found:
        raise CheckFailed(tuple(map(str, problems.found)))
    # Only the service makes a store: one that was made here would be this user's, and empty.
    if not Path(config.store_url.removeprefix(SCHEME)).exists():
        raise Unavailable(f"store `{config.store_url}`", Reason.STORE_UNAVAILABLE, "there is none yet")
    return asyncio.run(_act(config, options))


async def _act(config: Config, options: argparse.Namespace) -> str:
    store = await open_sqlite(config.store_url)
    act: Act = options.act
    try:
        return await act(store, config, options)
    except Refused as refused:
        raise CheckFailed((refused.reason.sentence,)) from None
    finally:
        await store.close()


async def _list(store: Store, _config: Config, options: argparse.Namespace) -> str:
    rows = [_row(device) for device in await Devices(store=store, clock=utc_now).all()]
    if options.json:
        return json.dumps(rows, indent=2)
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) if rows else len(name) for name in COLUMNS}
    lines = (dict(zip(COLUMNS, COLUMNS, strict=True)), *rows)
    return "\n".join("  ".join(line[name].ljust(widths[name]) for name in COLUMNS).rstrip() for line in lines)


async def _export(store: Store, _config: Config, _options: argparse.Namespace) -> str:
    devices = await Devices(store=store, clock=utc_now).all()
    return json.dumps([{**_row(device), "serial": device.serial} for device in devices], indent=2)


async def _approve(store: Store, _config: Config, options: argparse.Namespace) -> str:
    def approved(device: EnrolledDevice) -> EnrolledDevice:
        active = replace(in_state(DeviceState.ACTIVE)(device), approval=Approval.ADMINISTRATOR)
        check_standing(active, now=utc_now())  # one that has expired, or was seen twice, is enrolled anew
        return active

    return await _change(store, options, change=approved)


async def _revoke(store: Store, _config: Config, options: argparse.Namespace) -> str:
    return await _change(store, options, change=in_state(DeviceState.REVOKED))


async def _lost(store: Store, _config: Config, options: argparse.Namespace) -> str:
    return await _change(store, options, change=in_state(DeviceState.LOST))


async def _change(
    store: Store, options: argparse.Namespace, *, change: Callable[[EnrolledDevice], EnrolledDevice]
) -> str:
    device = await Devices(store=store, clock=utc_now).change(options.device, owner=None, change=change)
    return f"{device.id}: {device.state.value}"


async def _import(store: Store, config: Config, options: argparse.Namespace) -> str:
    """Read the whole file before anything of it is written; a serial that is listed again has its last owner."""
    entries, faults = dict[str, str](), list[str]()
    for number, entry in enumerate(_entries(options.file), start=1):
        serial, owner = str(entry.get("serial") or "").strip(), str(entry.get("owner") or "").strip()
        if not serial or (owner and not _is_person(owner, config=config)):
            faults.append(f"{options.file}: entry {number}: expected `serial`, and `owner` empty or `issuer#subject`")
        entries[serial] = owner
    if faults:
        raise CheckFailed(tuple(faults))
    for serial, owner in entries.items():
        await store.put(KIND_INVENTORY, hash_of(serial), {"owner": owner}, expires_at=utc_now() + LISTED)
    return f"{len(entries)} serials listed"


async def _invite(store: Store, config: Config, options: argparse.Namespace) -> str:
    if not _is_person(options.owner, config=config):
        raise CheckFailed(("owner: expected `issuer#subject` of a configured issuer",))
    invitation = INVITATION_PREFIX + secrets.token_urlsafe(20)
    await store.put(KIND_INVITATION, hash_of(invitation), {"owner": options.owner}, expires_at=utc_now() + INVITED)
    return invitation


def _entries(file: Path) -> list[Mapping[str, object]]:
    text = file.read_text(encoding="utf-8")
    try:
        entries = json.loads(text) if file.suffix == ".json" else list(csv.DictReader(text.splitlines()))
    except ValueError as error:
        raise CheckFailed((f"{file}: {error}",)) from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CheckFailed((f"{file}: expected a list of objects",))
    return entries


def _is_person(owner: str, *, config: Config) -> bool:
    issuer, _, subject = owner.partition("#")
    return bool(subject) and issuer in {idp.settings.issuer for idp in config.idps}


def _row(device: EnrolledDevice) -> dict[str, str]:
    return {
        "id": device.id,
        "state": device.state.value,
        "owner": device.owner,
        "name": _printable(device.name),
        "format": device.format,
        "tier": device.tier.value,
        "approval": device.approval.value if device.approval else "",
        "expires": device.expires_at.date().isoformat(),
    }


def _printable(name: str) -> str:
    """Whoever enrols chooses the name: it must not move an administrator's cursor."""
    return "".join(character if character.isprintable() else "?" for character in name)
