"""The doctor's arguments as its command reads them."""

from argparse import Namespace
from pathlib import Path

from plugin.shell.cli import parser


def options(file: Path, *arguments: str) -> Namespace:
    """Read the arguments of `vestibule doctor` for a configuration."""
    return parser().parse_args(["doctor", "--config", str(file), *arguments])
