"""The pages about providers: what they tell an administrator to paste is read by the reader of the configuration."""

import re
import tomllib
from pathlib import Path

import pytest

from plugin.shell.config_identity import read_idp
from plugin.shell.registry import idp_adapters
from plugin.shell.toml_reader import Problems, Table

PAGES = {page.stem: page for page in (Path(__file__).resolve().parents[2] / "deploy" / "idp").glob("*.md")}


def test_every_kind_of_provider_has_its_page():
    assert PAGES.keys() == idp_adapters().keys()


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_the_table_of_a_page_is_a_provider_of_its_kind(kind: str, tmp_path: Path):
    blocks = re.findall(r"```toml\n(.*?)```", PAGES[kind].read_text(), re.DOTALL)
    (tmp_path / "secrets").mkdir()
    for secret in re.findall(r'^secret_file = "(.*)"$', "".join(blocks), re.MULTILINE):
        (tmp_path / secret).write_text("a secret\n")
    problems = Problems(file=kind, folder=tmp_path)

    tables = Table(tomllib.loads("".join(blocks)), path="", problems=problems).tables("idp")
    entries = [entry for table in tables for entry in read_idp(table)]

    assert problems.found == []
    assert [entry.adapter for entry in entries] == [kind]
    assert all(idp_adapters()[kind](entry.settings).checks for entry in entries)
