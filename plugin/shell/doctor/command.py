"""The command: which examinations are asked for, one after the other, each whatever the others found."""

import argparse
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict

from plugin.shell.check import Checked, CheckFailed, check
from plugin.shell.doctor import id_token, pexip, pexip_manager, providers, running, state
from plugin.shell.doctor.report import Level, Line, as_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vestibule doctor`."""
    parser.add_argument(
        "--pexip",
        metavar="URL",
        help="play a conferencing node against a running instance at this URL, the one of the policy profile, and prove"
        " that it rejects every failure and lie",
    )
    parser.add_argument(
        "--pexip-manager",
        action="store_true",
        help="read the configuration of the Management Node that `[pexip.manager]` names, and name each way past this"
        " service",
    )
    parser.add_argument(
        "--idp",
        metavar="NAME",
        help="with --token: the provider, by its issuer, or by its adapter or organisation where that is clear",
    )
    parser.add_argument(
        "--token",
        metavar="FILE",
        help="with --idp: say check by check what is made of the token in this file (- = standard input), without"
        " printing it",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON list")


async def examine(options: argparse.Namespace) -> tuple[Line, ...]:
    """Examine what is asked for, and say how each thing stands."""
    try:
        checked = check(options.config)
    except CheckFailed as found:
        return tuple(
            Line(level=Level.FAULT, subject="configuration", found=problem, advice="correct it there")
            for problem in found.problems
        )
    if options.idp or options.token:
        return tuple([line async for line in id_token.examine(checked, name=options.idp, file=options.token)])
    if options.pexip:
        return tuple([line async for line in pexip.examine(options.pexip, config=checked.config)])
    if options.pexip_manager:
        return tuple([line async for line in pexip_manager.examine(checked.config)])
    return (*_still(checked), *[line async for line in _asking(checked)])


def report(lines: tuple[Line, ...], *, as_json: bool) -> str:
    """Write the lines for a person, or for a program."""
    if not as_json:
        return as_text(lines)
    return json.dumps([{**asdict(line), "level": line.level.name.lower()} for line in lines], indent=2)


def _still(checked: Checked) -> Iterator[Line]:
    found = f"{checked.config.file} has no problems, bundle {checked.bundle.revision[:12]}"
    yield Line(level=Level.OK, subject="configuration", found=found)
    for problem in checked.ends.expired:
        yield Line(level=Level.FAULT, subject="device_ca", found=problem, advice="renew it: its devices are refused")
    for warning in checked.ends.soon:
        yield Line(level=Level.WARNING, subject="device_ca", found=warning, advice="renew it before then")
    yield from state.examine(checked)


async def _asking(checked: Checked) -> AsyncIterator[Line]:
    async for line in providers.examine(checked):
        yield line
    async for line in running.examine(checked):
        yield line
