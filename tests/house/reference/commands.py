"""The commands, as the parser of the command line declares them, each with the `help` beside its declaration."""

import argparse
from collections.abc import Iterator

from plugin.shell.cli import parser
from tests.house.reference.listing import Listing, code


def commands(command: argparse.ArgumentParser | None = None) -> Listing:
    """List every command and, below it, its arguments."""
    rows = tuple(_rows(command or parser()))
    return Listing(
        name="commands", columns=("Command", "Argument", "What it does"), rows=rows, sentence_from="its `help`"
    )


def _rows(command: argparse.ArgumentParser) -> Iterator[tuple[str, str, str]]:
    # argparse tells what was declared in these attributes and nowhere else.
    for branch in command._actions:  # noqa: SLF001 - see above
        if isinstance(branch, argparse._SubParsersAction):  # noqa: SLF001 - see above
            told = {choice.dest: choice.help or "" for choice in branch._choices_actions}  # noqa: SLF001 - see above
            for name, below in branch.choices.items():
                yield code(below.prog), "", told.get(name, "")
                yield from _arguments(below)
                yield from _rows(below)


def _arguments(command: argparse.ArgumentParser) -> Iterator[tuple[str, str, str]]:
    for action in command._actions:  # noqa: SLF001 - see above
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction):  # noqa: SLF001 - see above
            name = " ".join(filter(None, (next(iter(action.option_strings), ""), _value(action))))
            yield "", code(name), (action.help or "") % vars(action)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return str(action.metavar or action.dest.upper())
