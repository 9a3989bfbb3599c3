"""The command `vestibule`: demo, serve, check, doctor, decide, explain, replay, devices, policy test."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from plugin.core.errors import Unavailable
from plugin.shell import decide, devices, explain, replay, telemetry
from plugin.shell.app import serve
from plugin.shell.check import Checked, CheckFailed, check, judge_cases
from plugin.shell.demo import run as demo
from plugin.shell.doctor import command as doctor
from plugin.shell.doctor.report import failed
from plugin.shell.logs import log_as_json

DEFAULT_CONFIG = Path("vestibule.toml")


def main(arguments: list[str] | None = None) -> int:
    """Run a command. 0 = all is well, 1 = something is wrong and was said, 2 = the command was not understood."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except CheckFailed as failed:
        for problem in failed.problems:
            print(problem, file=sys.stderr)
        print(f"problems: {len(failed.problems)}", file=sys.stderr)
        return 1
    except (OSError, Unavailable) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def parser() -> argparse.ArgumentParser:
    """Declare every command with its arguments."""
    command = argparse.ArgumentParser(prog="vestibule", description="Zero-trust admission to video meetings.")
    commands = command.add_subparsers(required=True, metavar="COMMAND")
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="the configuration; default: %(default)s")

    one = commands.add_parser("demo", help="see it work: loopback only, throw-away keys, no external server")
    demo.add_arguments(one)
    one.set_defaults(run=demo.main)
    one = commands.add_parser("serve", parents=[config], help="answer the questions of conferencing platforms")
    one.set_defaults(run=_serve)
    one = commands.add_parser("check", parents=[config], help="report everything that is wrong, and start nothing")
    one.set_defaults(run=_check)
    one = commands.add_parser("doctor", parents=[config], help="say what is wrong with an installation, and what to do")
    doctor.add_arguments(one)
    one.set_defaults(run=_doctor)
    one = commands.add_parser("decide", parents=[config], help="say what would be decided about the facts of one join")
    decide.add_arguments(one)
    one.set_defaults(run=_decide)
    one = commands.add_parser(
        "explain", parents=[config], help="say how a decision came about and what would change it"
    )
    explain.add_arguments(one)
    one.set_defaults(run=_explain)
    one = commands.add_parser("replay", parents=[config], help="say who would be treated differently by another bundle")
    replay.add_arguments(one)
    one.set_defaults(run=replay.main)
    one = commands.add_parser("devices", help="look after enrolled devices, beside the running service")
    devices.add_arguments(one, config=config)
    one.set_defaults(run=_devices)
    policy = commands.add_parser("policy", help="work on the bundle of policies")
    actions = policy.add_subparsers(required=True, metavar="ACTION")
    one = actions.add_parser("test", parents=[config], help="judge the bundle's example cases")
    one.set_defaults(run=_policy_test)
    return command


def _serve(options: argparse.Namespace) -> int:
    log_as_json(logging.INFO)
    # Somebody who asks for a reload before there is anything to reload would end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    checked = check(options.config)
    traces = telemetry.start(checked.config.telemetry_endpoint)
    try:
        asyncio.run(serve(checked, telemetry=traces))
    finally:
        traces.shutdown()
    return 0


def _check(options: argparse.Namespace) -> int:
    checked = check(options.config)
    for warning in checked.ends.soon:
        print(f"{options.config}: warning: {warning}")
    if checked.ends.expired:  # `serve` starts with these all the same: see `Ends`
        raise CheckFailed(tuple(f"{options.config}: {problem}" for problem in checked.ends.expired))
    print(_summary(checked))
    return 0


def _summary(checked: Checked) -> str:
    config = checked.config
    shadow = f", shadow: {checked.shadow.revision[:12]}" if checked.shadow else ""
    return (
        f"{config.file}: no problems found (identity providers: {len(config.idps)}, zones: {len(config.zones)}, "
        f"conferences: {len(config.conferences)}, bundle: {checked.bundle.revision[:12]}{shadow})"
    )


def _doctor(options: argparse.Namespace) -> int:
    logging.getLogger("plugin").addHandler(logging.NullHandler())  # the report says it all
    lines = asyncio.run(doctor.examine(options))
    print(doctor.report(lines, as_json=options.json))
    return 1 if failed(lines) else 0


def _decide(options: argparse.Namespace) -> int:
    print(decide.report(options))
    return 0


def _explain(options: argparse.Namespace) -> int:
    print(explain.report(options))
    return 0


def _devices(options: argparse.Namespace) -> int:
    print(devices.report(options))
    return 0


def _policy_test(options: argparse.Namespace) -> int:
    checked = check(options.config)
    results = judge_cases(checked)
    for name, differences in results:
        print(f"{'FAIL' if differences else 'ok  '} {name}")
        for difference in differences:
            print(f"     {difference}")
    failed = sum(bool(differences) for _, differences in results)
    print(f"{len(results)} cases, {failed} failed")
    return 1 if failed or not results else 0
