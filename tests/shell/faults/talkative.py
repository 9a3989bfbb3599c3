"""Runs another script of Python with every logger at DEBUG, whatever that script sets: a program run *under* this."""

import logging
import runpy
import sys


class Talkative(logging.Logger):
    """Says all that it knows. Handlers are asked whatever the level of the root is."""

    def __init__(self, name: str, level: int = logging.DEBUG) -> None:
        super().__init__(name, level)


logging.setLoggerClass(Talkative)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
