"""`vestibule check`: everything that is wrong, at once, with its place, before anything starts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.shell.cli import main
from tests.jose.issuer import EC, RSA
from tests.shell.parties import DeviceAuthority
from tests.shell.spoiled import problems_after, problems_with
from tests.shell.world import PASSWORD, write_configuration

TWICE = """
[[device_ca]]
name = "acme-devices"
certificates_file = "device-ca.pem"
name_from = "subject_uid"
"""
ACME, PARTNERS = "https://sso.acme.example", "https://sso.partners.example"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "namesake.crl").write_bytes(DeviceAuthority().crl)
    (tmp_path / "other-ca.crl").write_bytes(DeviceAuthority("Another CA").crl)
    for name, jwk in (
        ("private.json", EC.as_dict(private=True)),
        ("ec.json", EC.as_dict(private=False)),
        ("rsa.json", RSA.as_dict(private=False)),
        ("others.json", {**EC.as_dict(private=False), "issuer": "https://sso.other.example"}),
    ):
        (tmp_path / name).write_text(json.dumps({"keys": [jwk]}))
    return write_configuration(
        tmp_path, acme=ACME, partners=PARTNERS, authority=DeviceAuthority(), device_ca="# <device_ca>"
    )


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


def test_a_good_configuration_has_no_problems(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(file)]) == 0
    assert "no problems" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("public_url", "pubic_url", "server.pubic_url"),
        ('"https://vestibule.example.com"', '"http://vestibule.example.com"', "server.public_url"),
        ('"127.0.0.1:0"', '"127.0.0.1:99999"', "server.listen"),
        ("sqlite:///", "mysql:///", "store.url"),
        ('house = ["acme"]', "house = []", "policy.house"),
        (f'issuer = "{ACME}"', 'issuer = "http://sso.acme.example"', "idp[0].issuer"),
        (f'issuer = "{PARTNERS}"', f'issuer = "{ACME}"', "idp.issuer"),
        ('audience = ["vestibule"]', "audience = []", "idp[0].audience"),
        ('algorithms = ["ES256"]', 'algorithms = ["none"]', "idp[0]"),
        ('algorithms = ["ES256"]', 'algorithms = ["HS256"]', "idp[0]"),
        ('adapter = "oidc"', 'adapter = "odic"', "idp[0].adapter"),
        ('adapter = "oidc"', 'adapter = "oidc"\nkeys_kept_hours = 0', "idp[0].keys_kept_hours"),
        ('adapter = "oidc"', 'adapter = "oidc"\nkeys_kept_hours = 169', "idp[0].keys_kept_hours"),
        ('adapter = "oidc"', 'adapter = "oidc"\nkeys_file = "no-such.json"', "idp[0].keys_file"),
        ('adapter = "oidc"', 'adapter = "oidc"\nkeys_file = "device-ca.pem"', "idp[0].keys_file"),
        ('adapter = "oidc"', 'adapter = "oidc"\nkeys_file = "private.json"', "idp[0].keys_file"),
        ('adapter = "oidc"', 'adapter = "oidc"\nkeys_file = "rsa.json"', "idp[0].keys_file"),
        ('adapter = "oidc"', 'adapter = "oidc"\nkeys_file = "others.json"', "idp[0].keys_file"),
        ('adapter = "oidc"', 'adapter = "oidc"\nkeys_file = "ec.json"\nprivate = true', "idp[0].private"),
        ('adapter = "oidc"', 'adapter = "oidc"\nkeys_file = "ec.json"\nkey_hosts = ["k.example"]', "idp[0].key_hosts"),
        ('"urn:acme:mfa" = 2', '"urn:acme:mfa" = 9', 'idp[0].acr."urn:acme:mfa"'),
        ("device-ca.pem", "no-such.pem", "device_ca[0].certificates_file"),
        ("device-ca.pem", "secrets/pexip", "device_ca"),
        ("subject_uid", "subject_dn", "device_ca[0].name_from"),
        ("#{name}", "#name", "device_ca[0].owner_pattern"),
        ("#{name}", "#{name}{name}", "device_ca[0].owner_pattern"),
        ("# <device_ca>", 'tier = "affirmative"', "device_ca[0].tier"),
        ("# <device_ca>", 'tier = "contraindicated"', "device_ca[0].tier"),
        ("# <device_ca>", "warn_days = -1", "device_ca[0].warn_days"),
        ("# <device_ca>", 'ocsp_url = "ocsp.example.com"', "device_ca[0].ocsp_url"),
        ("# <device_ca>", 'ocsp_url = "ldap://ocsp.example.com/"', "device_ca[0].ocsp_url"),
        ("# <device_ca>", "ocsp_nonce = true", "device_ca[0].ocsp_nonce"),
        ("# <device_ca>", 'crl_file = "no-such.crl"', "device_ca[0].crl_file"),
        ("# <device_ca>", 'crl_file = "secrets/pexip"', "device_ca[0].crl_file"),
        ("# <device_ca>", 'crl_file = ["device-ca.crl", "no-such.crl"]', "device_ca[0].crl_file"),
        ("# <device_ca>", "crl_file = []", "device_ca[0].crl_file"),
        ("# <device_ca>", 'crl_file = "namesake.crl"', "device_ca[0].crl_file"),
        ("# <device_ca>", 'crl_file = "other-ca.crl"', "device_ca[0].crl_file"),
        ("# <device_ca>", TWICE, "device_ca.name"),
        ("requests_per_minute", "client_certificates = true\nrequests_per_minute", "server.client_certificates"),
        ('name = "meetme"', 'name = "core"', "zone[1].name"),
        ("guests_can_present = true", "guests_can_presnt = true", "zone[0].pexip.guests_can_presnt"),
        ("guests_can_present = true", 'pin = "1234"', "zone[0].pexip.pin"),
        ("guests_can_present = true", "automatic_participants = []", "zone[0].pexip.automatic_participants"),
        ("guests_can_present = true", 'service_type = "gateway"', "zone[0].pexip.service_type"),
        ('zones = ["core", "meetme"]', 'zones = ["core", "meatme"]', "conference[0].zones"),
        ('classification = "internal"', 'classification = "secrit"', "conference[0].classification"),
        ('"group:chairs"]', '"group:"]', "conference[0].hosts"),
        ('["org:acme", "org:partners"]', '["org:acme", "org:partnres"]', "conference[2].invited"),
        ('alias = "budget"', 'alias = "board"', "conference[1].alias"),
        ('alias = "budget"', 'alias_pattern = "b*"', "conference[1].alias"),
        ("guests = true", 'guests = "yes"', "conference[3].guests"),
        ('token_file = "secrets/portal.token"', 'token = "x"', "caller[0].token"),
        ("secrets/pexip", "secrets/none", "pexip.password_file"),
        ('name = "proxied"', 'name = "proxied"\nconferences = []', "caller[1].conferences"),
        ('name = "proxied"', 'name = "proxied"\nconferences = ["bord"]', "caller.proxied.conferences"),
        ('house = ["acme"]', 'house = ["amce"]', "policy.house"),
        (f'owner = "{ACME}#bob"', 'owner = "https://sso.amce.example#bob"', "conference[0].owner"),
        (f'owner_pattern = "{ACME}#', 'owner_pattern = "https://sso.amce.example#', "device_ca[0].owner_pattern"),
        (
            f'"partners-laptop" = "{PARTNERS}#',
            '"partners-laptop" = "https://x.example#',
            'device_ca[0].owners."partners-laptop"',
        ),
        ('username = "pexip"', 'username = "pexip"\nsources = []', "pexip.sources"),
        (
            'username = "pexip"',
            'username = "pexip"\nunsafe_leave_to_platform = ["b*"]',
            "pexip.unsafe_leave_to_platform",
        ),
        ('alias = "budget"', f'alias = "{"b" * 245}"', "conference[1].pexip.core.name"),
    ],
)
def test_each_mistake_is_named_by_its_key(file: Path, old: str, new: str, key: str) -> None:
    problems = problems_with(file, old, new)

    assert any(problem.startswith(f"{key}: ") for problem in problems), problems


def test_no_private_key_is_ever_in_a_problem(file: Path) -> None:
    problems = problems_with(file, 'adapter = "oidc"', 'adapter = "oidc"\nkeys_file = "private.json"')

    assert EC.as_dict(private=True)["d"] not in "\n".join(problems)


def test_all_problems_are_reported_at_once(file: Path) -> None:
    def spoil(text: str) -> str:
        return text.replace("sqlite:///", "mysql:///").replace('house = ["acme"]', "house = []").replace("#{name}", "#")

    assert len(problems_after(file, spoil)) >= 3


def test_a_conference_with_outsiders_needs_a_zone_outside(file: Path) -> None:
    problems = problems_after(
        file,
        replaced(
            'alias = "summit"\nzones = ["core", "meetme"]',
            'alias = "summit"\nzones = ["core"]',
        ),
    )

    assert any("outside" in problem for problem in problems), problems


def test_a_template_that_grants_what_policies_refuse_is_a_problem(file: Path) -> None:
    problems = problems_after(
        file, replaced('name = "meetme"\n', 'name = "meetme"\n[zone.pexip]\nguests_can_present = true\n')
    )

    assert any("present" in problem for problem in problems), problems


def test_a_policys_mistake_is_named_by_file_and_line(file: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "policies"
    bundle.mkdir()
    (bundle / "data.toml").write_text('classifications = ["internal"]\n')
    (bundle / "a.cedar").write_text('@id("x")\npermit (principal, action, resource in Zone::"kore");\n')
    text = file.read_text()
    line = next(line for line in text.splitlines() if line.startswith("bundle"))

    problems = problems_after(file, replaced(line, 'bundle = "policies"'))

    assert any("a.cedar:1: " in problem and "kore" in problem for problem in problems), problems


def test_a_file_that_is_no_toml_is_one_problem(file: Path) -> None:
    assert len(problems_after(file, lambda text: text + "\n[[[")) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('username = "pexip"', 'username = "a:b"'),
        ("[telemetry]", f'[telemetry]\nendpoint = "https://user:{PASSWORD}@collector.example"'),
    ],
)
def test_no_secret_is_ever_in_a_problem(file: Path, old: str, new: str) -> None:
    problems = problems_after(file, replaced(old, new))

    assert PASSWORD not in "\n".join(problems)


def test_the_command_prints_every_problem_and_exits_with_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text().replace("sqlite:///", "mysql:///"))

    code = main(["check", "--config", str(file)])

    assert code == 1
    assert "store.url: got `mysql:///" in capsys.readouterr().err


def test_the_cases_of_the_shipped_bundle_pass(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "test", "--config", str(file)]) == 0
    assert "0 failed" in capsys.readouterr().out
