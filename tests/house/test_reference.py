"""The tables of the documentation say what the code says, and everything in them is explained."""

import argparse
import tomllib
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import pytest

from plugin.core.reasons import Reason
from plugin.shell.toml_reader import Table
from tests.house import rules
from tests.house.reference import PAGES, REPOSITORY, adapters, commands, listings, settings, spans
from tests.house.reference.example import read_comments
from tests.house.reference.listing import Listing, fill, held, lacking
from tests.house.reference.record import SCHEMA_FILE, json_schema
from tests.house.reference.sentences import ADVICE, RECORD, SPANS

MADE = listings()
EXAMPLE = (REPOSITORY / "deploy" / "vestibule.toml").read_text()
NO_ZONES: frozenset[str] = frozenset()


def listing(name: str) -> Listing:
    (one,) = (one for one in MADE if one.name == name)
    return one


def firsts(name: str) -> list[str]:
    return [row[0].strip("`") for row in listing(name).rows]


def rows(text: str) -> dict[str, tuple[str, ...]]:
    """Read an example as `make docs` does, and return what it says of each key."""
    found = settings.rows_of(settings.read_all(text), comments=read_comments(text, zones=NO_ZONES), zones=NO_ZONES)
    return {f"{row[0]} {row[1]}".strip(): row[2:] for row in found}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_the_code_says(page: str):
    text = (REPOSITORY / page).read_text()

    assert fill(text, MADE) == text, f"{page} is not what the code says: run `make docs`"


def test_everything_is_explained():
    assert list(lacking(MADE)) == []


def test_every_table_is_on_one_page():
    places = [name for page in PAGES for name in held((REPOSITORY / page).read_text())]

    assert sorted(places) == sorted(one.name for one in MADE)


def test_no_sentence_is_about_nothing():
    spans_and_attributes = {row[0].strip("`") for row in listing("spans").rows}

    assert list(rules.sentences_in_vain(ADVICE, names={reason.code for reason in Reason})) == []
    assert list(rules.sentences_in_vain(SPANS, names=spans_and_attributes)) == []
    assert list(rules.sentences_in_vain(RECORD, names=firsts("record"))) == []


def test_the_schema_of_the_decision_log_is_what_the_record_is():
    assert (REPOSITORY / SCHEMA_FILE).read_text() == json_schema(), "run `make docs`"


def test_every_adapter_and_format_that_is_declared_is_listed():
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["entry-points"]

    assert firsts("identity-adapters") == sorted(declared["vestibule.idp_adapters"])
    formats = declared["vestibule.attestation"] | declared["vestibule.device_formats"]
    assert firsts("evidence-formats") == sorted(formats)
    assert len(distribution("vestibule").entry_points) > len(firsts("evidence-formats"))


def test_every_setting_of_the_example_is_listed():
    keys = {name.removeprefix("`[[").removeprefix("`[").partition("]")[0] for name in rows(EXAMPLE)}

    assert tomllib.loads(EXAMPLE).keys() - keys == set()


def test_it_is_known_of_every_method_of_a_table_what_it_reads():
    assert settings.unknown_methods() == set()


# Planted offenders: each is something new in the code that nobody has explained or written down.


def test_a_page_that_is_out_of_date_is_found():
    page = (REPOSITORY / "REFERENCE.md").read_text()
    planted = page.replace("| `no-permit` |", "| `no-permits` |")

    assert fill(planted, MADE) == fill(page, MADE) != planted


def test_a_table_that_nobody_makes_is_found():
    with pytest.raises(KeyError):
        fill("<!-- generated: wishes, by make docs -->\n<!-- end -->", MADE)


def test_a_setting_without_a_comment_is_found():
    silent = EXAMPLE.replace("# the client ids whose ID tokens count", "")

    assert silent != EXAMPLE
    assert rows(silent)["`[[idp]]` `audience`"][-1] == ""


def test_a_setting_that_the_example_lacks_is_found():
    without = "\n".join(line for line in EXAMPLE.splitlines() if not line.startswith("tenant = "))

    assert rows(without)["`[server]` `tenant`"] == ("text", '`"default"`', "")


def test_a_table_that_the_example_lacks_is_found():
    without = EXAMPLE.partition("[pexip]")[0]

    assert rows(without)["`pexip`"][-1] == ""


def test_a_setting_that_reading_the_example_does_not_come_to_is_found():
    source = 'def read_new(table): return table.text("colour") if table.has("tenant") else None'

    assert settings.unreached([source], readings=settings.read_all(EXAMPLE)) == ("colour",)


def test_a_new_way_to_read_a_key_is_found():
    class Richer(Table):
        def colour(self, name: str) -> str: ...

    assert settings.unknown_methods(Richer) == {"colour"}


def test_a_command_without_help_is_found():
    parser = argparse.ArgumentParser(prog="vestibule")
    parser.add_subparsers().add_parser("dance").add_argument("--slowly", action="store_true")

    found = commands.commands(parser)

    assert [row[:2] for row in found.rows] == [("`vestibule dance`", ""), ("", "`--slowly`")]
    assert len(found.lacking()) == 2


def test_a_step_and_an_attribute_that_nobody_explained_are_found():
    tracing = 'BALL = "vestibule.ball"\nDANCE = "dance"\nCOLOUR = "vestibule.colour"\nDENY = "deny"\n'

    found = spans.names_in(tracing, ["self.question(BALL, since=0)", "with steps.step(tracing.DANCE) as step: ..."])

    assert found == (("vestibule.ball", "span"), ("vestibule.dance", "span"), ("vestibule.colour", "attribute"))
    assert not {name for name, _ in found} & SPANS.keys()


@pytest.mark.parametrize(
    ("file", "text", "make"),
    [
        ("stores/new.py", "class New:\n def claim(s): ...\n def swap(s): ...\n def purge(s): ...", adapters.stores),
        ("shell/new_door.py", "class Door: ...", adapters.platforms),
    ],
)
def test_a_store_and_a_platform_without_a_docstring_are_found(
    tmp_path: Path, file: str, text: str, make: Callable[[Path], Listing]
):
    for folder in ("stores", "shell", "platforms"):
        (tmp_path / "plugin" / folder).mkdir(parents=True)
    (tmp_path / "plugin" / file).write_text(text)

    (fault,) = make(tmp_path).lacking()

    assert "`new` lacks its sentence" in fault


def test_every_platform_that_has_a_door_is_listed():
    names = [name for name, _ in adapters.platforms(REPOSITORY).rows]

    assert names == ["`generic`", "`pexip`"]


def test_a_row_without_a_sentence_is_named_with_the_place_for_one():
    silent = Listing(name="reasons", columns=("a", "b"), rows=(("`new`", " "),), sentence_from="ADVICE")

    assert silent.lacking() == ("reasons: `new` lacks its sentence: ADVICE",)


def test_comments_are_read_beside_above_and_below_their_key():
    text = """
# of a table
[a]
b = "#1"        # of b,
                # and more of it
c = ['#', "\\"#"]
# d = 1         # of one that is off

[[e.f]]         # of another table
"""
    comments = read_comments(text, zones=NO_ZONES)

    found = {place: said for place, said in comments.of.items() if said}
    assert found == {
        ("a", ""): "of a table",
        ("a", "b"): "of b, and more of it",
        ("a", "d"): "of one that is off",
        ("e.f", ""): "of another table",
    }
    assert ("a", "c") in comments.of
