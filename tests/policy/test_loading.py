import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.core.directory import Directory
from plugin.policy.problems import BundleProblems
from plugin.policy.statements import MAX_DEPTH, MAX_OPERATORS
from plugin.shell.bundles import load_bundle, run_cases
from tests.policy.people import BOARD, DATA, DEPLOY, PERMIT_ALL, SETTING, example

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "policies"
    (made / "cases").mkdir(parents=True)
    (made / "a.cedar").write_text(PERMIT_ALL)
    (made / "data.toml").write_text(DATA)
    return made


def problems(folder: Path) -> list[str]:
    with pytest.raises(BundleProblems) as found:
        load_bundle(folder, setting=SETTING)
    return [str(problem) for problem in found.value.problems]


def test_the_shipped_bundle_loads():
    assert load_bundle(DEPLOY, setting=SETTING).revision == example().revision


def test_the_shipped_cases_run():
    results = run_cases(DEPLOY, setting=SETTING, directory=Directory(exact={"board": BOARD}, patterns=()))

    assert len(results) > 30
    assert [name for name, differences in results if differences] == []


def test_a_mounted_config_map_loads(folder: Path):
    version = folder / "..2026_11_24"
    version.mkdir()
    (folder / "..data").symlink_to(version.name)
    for name in ("a.cedar", "data.toml"):
        shutil.move(folder / name, version / name)
        (folder / name).symlink_to(Path("..data") / name)

    assert load_bundle(folder, setting=SETTING).rules.keys() == {"all"}


def test_notes_and_hidden_files_are_left_alone(folder: Path):
    (folder / "README.md").write_bytes(b"\xff")
    (folder / ".a.cedar.swp").write_bytes(b"\xff")
    (folder / "cases" / ".hidden").write_bytes(b"\xff")

    assert load_bundle(folder, setting=SETTING)


@pytest.mark.parametrize("name", ["a.ceder", "a.cedar~", "a.cedar.bak", "cases/a.tml", "sub/b.cedar"])
def test_a_file_that_might_be_a_misspelt_policy_is_a_problem(folder: Path, name: str):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(PERMIT_ALL)

    (problem,) = problems(folder)

    assert problem.startswith(f"{name.partition('/b')[0]}: unexpected file")


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path):
    (tmp_path / "elsewhere").write_text("secret")
    (folder / "b.cedar").symlink_to("../elsewhere")

    assert problems(folder) == ["b.cedar: a link that leads out of the folder"]


def test_a_folder_of_cases_elsewhere_is_not_followed(folder: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.toml").write_text("")
    (folder / "cases").rmdir()
    (folder / "cases").symlink_to("../elsewhere")

    assert problems(folder) == ["cases/a.toml: a link that leads out of the folder"]


def test_a_pipe_is_not_waited_for(folder: Path):
    os.mkfifo(folder / "b.cedar")

    assert problems(folder) == ["b.cedar: not a file"]


def test_a_link_to_nowhere_and_one_to_itself_are_problems(folder: Path):
    (folder / "b.cedar").symlink_to("nowhere")
    (folder / "c.cedar").symlink_to("c.cedar")

    assert [problem.partition(":")[0] for problem in problems(folder)] == ["b.cedar", "c.cedar"]


def test_text_that_is_not_utf8_is_told_with_its_line(folder: Path):
    (folder / "b.cedar").write_bytes(b"// fine\n// \xff\n")

    assert problems(folder) == ["b.cedar:2: not UTF-8"]


def test_a_file_too_large_is_a_problem(folder: Path):
    (folder / "b.cedar").write_bytes(b" " * 300_000)

    assert problems(folder) == ["b.cedar: larger than 262144 bytes"]


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path):
    assert problems(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'}: cannot be read: no such file or directory"]


def test_mistakes_in_policies_are_told_as_they_are(folder: Path):
    (folder / "b.cedar").write_text('\n@id("b") permit (principal, action, resource in Zone::"cor");')

    (problem,) = problems(folder)

    assert problem.startswith('b.cedar:2: entity `Zone::"cor"`')


@pytest.mark.parametrize("opening", ["(", "!(", "[", "if (", "{a: "])
def test_text_that_would_crash_the_parser_is_told_and_we_live(folder: Path, opening: str):
    (folder / "b.cedar").write_text("permit (principal, action, resource) when { " + opening * 5000 + "true };")

    (problem,) = problems(folder)

    assert problem.startswith("b.cedar:1: brackets are nested")


@pytest.mark.parametrize("link", ["true && ", "1 + ", "if true then true else ", "principal."])
def test_a_chain_that_would_crash_the_parser_is_told_and_we_live(folder: Path, link: str):
    (folder / "b.cedar").write_text("permit (principal, action, resource) when { " + link * 5000 + "true };")

    (problem,) = problems(folder)

    assert problem.startswith("b.cedar:1: ")
    assert "operators" in problem


def test_the_deepest_text_that_is_let_through_does_not_crash_the_parser(folder: Path):
    depth, chain = MAX_DEPTH - 2, " && ".join(["true"] * (MAX_OPERATORS - MAX_DEPTH - 2))
    rule = f'@id("b") permit (principal, action, resource) when {{ {"(" * depth}{chain}{")" * depth} }};'
    (folder / "b.cedar").write_text(rule)

    (problem,) = problems(folder)

    assert "nesting exceeds the supported limit" in problem


LOAD_WITH_A_TINY_STACK = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_STACK, (600_000, resource.getrlimit(resource.RLIMIT_STACK)[1]))
from plugin.policy.problems import BundleProblems
from plugin.shell.bundles import load_bundle
from tests.policy.people import SETTING
try:
    load_bundle(Path(sys.argv[1]), setting=SETTING)
except BundleProblems as found:
    print(found)
"""


def test_a_parser_that_dies_all_the_same_takes_only_the_child_with_it(folder: Path):
    chain = " && ".join(["true"] * 95)
    (folder / "b.cedar").write_text(f'\n\n@id("b") permit (principal, action, resource) when {{ {chain} }};')

    program = [sys.executable, "-c", LOAD_WITH_A_TINY_STACK, folder]
    done = subprocess.run(program, env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=True)

    assert done.stdout == "b.cedar:3: the compiler ended with status -11\n"
