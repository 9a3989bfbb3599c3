"""`[[idp]]` tables: which issuers they stand for, and what a check says of a wrong one."""

import tomllib
from pathlib import Path

import pytest

from plugin.shell.config_identity import IdpEntry, read_idp
from plugin.shell.toml_reader import Problems, Table
from tests.shell.parties import DeviceAuthority
from tests.shell.spoiled import problems_with
from tests.shell.world import write_configuration

A, B = "0f3c4b1e-7a57-4b4e-9d4e-5b7c2d1e8a90", "11111111-7a57-4b4e-9d4e-5b7c2d1e8a90"
TABLE = f"""
[[idp]]
adapter = "entra"
issuer = "https://login.microsoftonline.com/{{tenantid}}/v2.0"
tenants = ["{B}", "{A}"]
audience = ["6e74172b-be56-4843-9ff4-e66a39bb12e3"]
algorithms = ["RS256"]
org = "acme"
"""
ACME = 'adapter = "oidc"\nissuer = "https://sso.acme.example"\n'


def read(text: str, tmp_path: Path) -> tuple[list[IdpEntry], list[str]]:
    problems = Problems(file="x", folder=tmp_path)
    tables = Table(tomllib.loads(text), path="", problems=problems).tables("idp")
    return [entry for table in tables for entry in read_idp(table)], [problem.key for problem in problems.found]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_configuration(
        tmp_path, acme="https://sso.acme.example", partners="https://sso.partners.example", authority=DeviceAuthority()
    )


def test_each_tenant_is_an_issuer_by_its_whole_name(tmp_path: Path):
    entries, problems = read(TABLE, tmp_path)

    assert problems == []
    assert [entry.settings.issuer for entry in entries] == [
        f"https://login.microsoftonline.com/{A}/v2.0",
        f"https://login.microsoftonline.com/{B}/v2.0",
    ]
    assert all(entry.settings.tenants == frozenset() for entry in entries)


@pytest.mark.parametrize("tenants", ["", "tenants = []", 'tenants = ["a/../common"]', 'tenants = ["?"]', "tenants = 7"])
def test_a_template_needs_tenants_that_can_stand_in_it(tenants: str, tmp_path: Path):
    text = "\n".join(tenants if line.startswith("tenants") else line for line in TABLE.splitlines())

    entries, problems = read(text, tmp_path)

    assert entries
    assert "idp[0].tenants" in problems


def test_a_whole_issuer_keeps_its_tenants_for_its_adapter(tmp_path: Path):
    text = TABLE.replace("https://login.microsoftonline.com/{tenantid}/v2.0", "https://accounts.google.com")

    (entry,), problems = read(text, tmp_path)

    assert problems == []
    assert entry.settings.tenants == {A, B}


def test_a_key_that_no_provider_has_is_a_problem(tmp_path: Path):
    assert read(f'{TABLE}tenant = "{A}"\n', tmp_path)[1] == ["idp[0].tenant"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('adapter = "entra"\nissuer = "https://login.microsoftonline.com/common/v2.0"\n', "by a tenant's id"),
        ('adapter = "google"\nissuer = "https://accounts.google.com"\n', "got no tenants"),
        ('adapter = "oidc"\nissuer = "https://sso.acme.example"\ntenants = ["acme"]\n', "got tenants"),
        ('adapter = "auth0"\nissuer = "https://acme.eu.auth0.com"\n', "a slash at the end"),
    ],
)
def test_what_a_kind_of_provider_cannot_be_is_a_problem_of_its_table(file: Path, table: str, said: str):
    problems = problems_with(file, ACME, table)

    assert any(problem.startswith("idp[0]: ") and said in problem for problem in problems), problems


def test_everything_that_is_wrong_with_a_provider_is_said_at_once(file: Path):
    table = 'adapter = "google"\nissuer = "https://accounts.google.com/"\ngroups_claim = "groups"\n'

    problems = " ".join(problems_with(file, ACME, table))

    assert all(said in problems for said in ("got issuer", "got no tenants", "got groups_claim"))
