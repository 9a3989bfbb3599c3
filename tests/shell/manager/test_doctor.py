"""`vestibule doctor --pexip-manager`: each way past the service is named, and no fault of the manager hides one."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from plugin.shell.check import prepare
from plugin.shell.doctor.command import examine
from plugin.shell.doctor.pexip_manager import examine as examine_manager
from plugin.shell.doctor.report import Level, Line
from tests.client.tls import server_context
from tests.shell.doctor.asking import options
from tests.shell.manager.simulated import (
    CONFIGURATION,
    NAMED,
    PASSWORD,
    POLICY_URL,
    Simulated,
    flood,
    next_is,
    pages_without_end,
    redirect,
    rule,
    serving,
    status,
    text,
    well_kept,
)
from tests.shell.parties import DeviceAuthority
from tests.shell.world import write_configuration

LOCATIONS = f"{CONFIGURATION}system_location/"
SERVICE_SCRIPT = "internal_service_policy_template"


@pytest.fixture
async def manager() -> AsyncIterator[Simulated]:
    async with serving(well_kept()) as simulated:
        yield simulated


def configuration(folder: Path, url: str, *, pexip: str = "", manager: str = "", conferences: str = "") -> Path:
    (folder / "manager-password").write_text(f"{PASSWORD}\n")
    table = f'[pexip.manager]\nurl = "{url}"\nusername = "reader"\npassword_file = "manager-password"\n{manager}\n'
    issuer = "https://sso.example.com"
    return write_configuration(
        folder,
        acme=issuer,
        partners="https://sso.partners.example",
        authority=DeviceAuthority(),
        pexip=pexip + table,
        conferences=conferences,
    )


async def without_pause(_seconds: float) -> None:
    """Wait for nobody: how slowly a manager is asked has a test of its own."""


async def lines_of(folder: Path, url: str, *, seconds: float = 10, **parts: str) -> tuple[Line, ...]:
    config = prepare(configuration(folder, url, **parts)).config
    return tuple([line async for line in examine_manager(config, seconds=seconds, pause=without_pause)])


def wrong(lines: tuple[Line, ...]) -> list[tuple[Level, str, str]]:
    return [(line.level, line.subject.removeprefix("pexip "), line.found) for line in lines if line.advice]


async def test_a_platform_that_is_kept_well_has_nothing_wrong(tmp_path: Path, manager: Simulated):
    lines = await lines_of(tmp_path, manager.url)

    assert wrong(lines) == []
    assert "1 locations, 1 policy profiles" in lines[0].found


async def test_the_command_asks_the_manager_by_get_alone(tmp_path: Path, manager: Simulated):
    file = configuration(tmp_path, manager.url)

    lines = await examine(options(file, "--pexip-manager"))

    assert wrong(lines) == []
    assert {method for method, _ in manager.asked} == {"GET"}


async def test_without_a_manager_in_the_configuration_that_is_the_fault(tmp_path: Path):
    file = write_configuration(
        tmp_path, acme="https://sso.example.com", partners="https://sso.x.example", authority=DeviceAuthority()
    )

    lines = await examine(options(file, "--pexip-manager"))

    assert [line.level for line in lines] == [Level.FAULT]


async def test_a_location_that_asks_somebody_else_or_nobody_is_a_fault(tmp_path: Path, manager: Simulated):
    other = {**manager.lists[f"{CONFIGURATION}policy_server/"][0], "url": f"{POLICY_URL}.evil.example"}
    other.pop("id")
    uri = manager.add("policy_server", **{**other, "resource_uri": "/api/admin/configuration/v1/policy_server/2/"})
    manager.add("system_location", name="Bergen", policy_server=uri)
    manager.add("system_location", name="DMZ", policy_server=None)
    manager.add("system_location", name="Lab", policy_server="/api/admin/configuration/v1/policy_server/9/")

    told = wrong(await lines_of(tmp_path, manager.url))

    assert [(level, subject) for level, subject, _ in told] == [
        (Level.FAULT, "location Bergen"),
        (Level.FAULT, "location DMZ"),
        (Level.FAULT, "location Lab"),
    ]
    assert f"asks `{POLICY_URL}.evil.example`" in told[0][2]


async def test_a_profile_that_is_told_within_the_location_is_known_as_well(tmp_path: Path, manager: Simulated):
    profile = manager.lists[f"{CONFIGURATION}policy_server/"][0]
    manager.change("system_location", policy_server={**profile})

    assert wrong(await lines_of(tmp_path, manager.url)) == []


@pytest.mark.parametrize(
    ("switch", "level", "opens"),
    [
        ("enable_service_lookup", Level.FAULT, "no call is judged"),
        ("enable_participant_lookup", Level.FAULT, "nobody is checked"),
        ("enable_registration_lookup", Level.WARNING, "Pexip decides who registers"),
        ("enable_directory_lookup", Level.WARNING, "Pexip's own phonebook"),
        ("enable_internal_service_policy", Level.FAULT, "a lost answer admits"),
        ("enable_internal_participant_policy", Level.FAULT, "a lost answer admits"),
    ],
)
async def test_a_switch_that_is_off_is_named_with_what_it_opens(
    tmp_path: Path, manager: Simulated, switch: str, level: Level, opens: str
):
    manager.change("policy_server", **{switch: False})

    (told,) = wrong(await lines_of(tmp_path, manager.url))

    assert told[:2] == (level, "profile vestibule")
    assert opens in told[2]


@pytest.mark.parametrize("change", [
    ('"action": "reject"', '"action": "continue"'),
    ("== \"CONTINUE\"", "!= \"REJECT\""),
    ("leave_to_platform = false", "leave_to_platform = true"),
    ("{#-", "{{ '{#' }}{{ anything }}{{ '#}' }}{#-"),
])  # fmt: skip
async def test_a_changed_dead_man_script_is_a_fault(tmp_path: Path, manager: Simulated, change: tuple[str, str]):
    script = str(manager.lists[f"{CONFIGURATION}policy_server/"][0][SERVICE_SCRIPT])
    assert change[0] in script
    manager.change("policy_server", **{SERVICE_SCRIPT: script.replace(*change)})

    (told,) = wrong(await lines_of(tmp_path, manager.url))

    assert told[:2] == (Level.FAULT, "profile vestibule")
    assert "is not dead-man-service.jinja" in told[2]


async def test_a_script_that_a_form_has_rewrapped_is_the_same(tmp_path: Path, manager: Simulated):
    script = str(manager.lists[f"{CONFIGURATION}policy_server/"][0][SERVICE_SCRIPT])
    manager.change("policy_server", **{SERVICE_SCRIPT: script.replace("\n", "\r\n") + "\n\n"})

    assert wrong(await lines_of(tmp_path, manager.url)) == []


async def test_what_is_left_to_the_platform_belongs_into_the_script(tmp_path: Path, manager: Simulated):
    left = 'unsafe_leave_to_platform = ["lab-*"]\n'
    script = str(manager.lists[f"{CONFIGURATION}policy_server/"][0][SERVICE_SCRIPT])
    manager.change("policy_server", **{SERVICE_SCRIPT: script.replace("platform = false", "platform = true")})

    assert wrong(await lines_of(tmp_path, manager.url, pexip=left)) == []


async def test_a_protected_name_in_the_platforms_own_database_is_a_fault(tmp_path: Path, manager: Simulated):
    room = manager.add("conference", name="a VMR", service_type="conference")
    manager.add("conference_alias", alias="SIP:Board@EXAMPLE.com;transport=tls", conference=room)
    manager.add("conference_alias", alias="canteen@example.com", conference=room)

    (told,) = wrong(await lines_of(tmp_path, manager.url))

    assert told[:2] == (Level.FAULT, "alias board@example.com")


@pytest.mark.parametrize("name", ["plenary", "Plenary [core]", "The Plenary"])
async def test_a_service_that_is_named_as_a_protected_room_is_a_fault(tmp_path: Path, manager: Simulated, name: str):
    manager.add("conference", name=name, service_type="conference")

    (told,) = wrong(await lines_of(tmp_path, manager.url, conferences=NAMED))

    assert told[:2] == (Level.FAULT, "alias plenary")


@pytest.mark.parametrize(("url", "faults"), [
    ("HTTPS://Vestibule.Example.com/Room/", 0),
    ("https://vestibule.example.com/room", 1),
])  # fmt: skip
async def test_a_profile_asks_the_expected_path_in_its_very_letters(
    tmp_path: Path, manager: Simulated, url: str, faults: int
):
    manager.change("policy_server", url=url)

    told = wrong(await lines_of(tmp_path, manager.url, manager=f'policy_url = "{POLICY_URL}/Room"'))

    assert len(told) == faults


async def test_somebody_who_is_called_into_a_protected_conference_is_a_fault(tmp_path: Path, manager: Simulated):
    by_alias = manager.add("conference", name="a VMR", service_type="conference")
    manager.add("conference_alias", alias="budget", conference={"resource_uri": by_alias})
    by_name = manager.add("conference", name="board", service_type="conference")
    open_to_all = manager.add("conference", name="canteen", service_type="conference")
    for room in ([by_alias], by_name, open_to_all):
        manager.add("automatic_participant", alias="someone@example.net", conference=room)

    told = wrong(await lines_of(tmp_path, manager.url))

    subjects = ["alias board", "alias budget", "automatic participant 1", "automatic participant 2"]
    assert [subject for _, subject, _ in told] == subjects
    assert "someone@example.net" not in repr(told)


BUCHER = [r"^plenary@b.cher\.example$", "^plenary@bücher\\.example$"]  # however the domain is written


@pytest.mark.parametrize(
    "expression", [".*", r"board@example\.com", "b.*", r"^(bo)(ard)$", "[a-c]oard", "x|budget", *BUCHER]
)
async def test_a_routing_rule_that_may_fit_a_protected_name_is_a_fault(
    tmp_path: Path, manager: Simulated, expression: str
):
    manager.add("gateway_routing_rule", **rule(match_string=expression))

    (told,) = wrong(await lines_of(tmp_path, manager.url, conferences=NAMED))

    assert told[:2] == (Level.FAULT, "routing rule a rule")


@pytest.mark.parametrize("changes", [
    {"match_string": r"^\d{4,6}@rooms\.example\.com$"},
    {"enable": False},
    {"match_incoming_calls": False},
])  # fmt: skip
async def test_a_routing_rule_that_fits_nothing_protected_is_none(
    tmp_path: Path, manager: Simulated, changes: dict[str, object]
):
    manager.add("gateway_routing_rule", **rule(**changes))

    assert wrong(await lines_of(tmp_path, manager.url)) == []


async def test_a_rule_that_routes_calls_out_is_a_warning(tmp_path: Path, manager: Simulated):
    manager.add("gateway_routing_rule", **rule(match_incoming_calls=False, match_outgoing_calls=True))

    assert [told[0] for told in wrong(await lines_of(tmp_path, manager.url))] == [Level.WARNING]


async def test_a_provider_that_the_configuration_counts_on_and_pexip_lacks_is_a_fault(
    tmp_path: Path, manager: Simulated
):
    here, gone = "7d7e6a2c-0a2a-4a2c-9d51-2d5b3b7c7c11", "00000000-0a2a-4a2c-9d51-2d5b3b7c7c11"
    manager.add("identity_provider", name="SSO", uuid=here.upper())
    idp = '[[pexip.idp]]\nuuid = "{uuid}"\nissuer = "{{acme}}"\nsubject = "sub"\n'

    (told,) = wrong(await lines_of(tmp_path, manager.url, pexip=idp.format(uuid=here) + idp.format(uuid=gone)))

    assert told[:2] == (Level.FAULT, f"idp {gone}")


@pytest.mark.parametrize("version", ["34", "41.1", "unknown", ""])
async def test_a_version_that_nobody_has_tried_asks_for_the_live_check(
    tmp_path: Path, manager: Simulated, version: str
):
    manager.lists["status/v1/worker_vm/"][0]["version"] = version

    (told,) = wrong(await lines_of(tmp_path, manager.url))

    assert told[:2] == (Level.WARNING, "version")


async def test_a_long_list_is_read_to_its_end(tmp_path: Path, manager: Simulated):
    for number in range(57):
        manager.add("conference_alias", alias=f"canteen-{number}", conference=None)
    manager.add("conference_alias", alias="board", conference=None)

    (told,) = wrong(await lines_of(tmp_path, manager.url))

    assert told[1] == "alias board"


FAULTS = {
    "too many requests": (status(429), "status 429"),
    "unavailable": (status(503), "status 503"),
    "broken": (status(500), "status 500"),
    "forbidden": (status(403), "status 403"),
    "a sign-in page": (text("<html>", content_type="text/html"), "content type"),
    "half of a page": (text('{"meta": {"next": null}, "objects": [{'), "no list of objects"),
    "no list": (text('{"meta": {"next": null}, "objects": "none"}'), "no list of objects"),
    "deeply nested": (text('{"meta":' + "[" * 100_000), "no list of objects"),
    "a flood": (flood, "more than"),
    "a redirect": (redirect, "status 302"),
    "pages without end": (pages_without_end, "do not end"),
    "a page that follows itself": (next_is(f"/api/admin/{LOCATIONS}?limit=50"), "do not end"),
    "a page elsewhere": (next_is("http://192.0.2.1/api/admin/configuration/v1/system_location/?offset=9"), "elsewhere"),
    "a page at another scheme": (next_is("//192.0.2.1/api/admin/configuration/v1/system_location/"), "elsewhere"),
    "a page of another list": (next_is("/api/admin/configuration/v1/conference/?offset=9"), "elsewhere"),
    "a command": (next_is("/api/admin/command/v1/platform/upgrade/"), "elsewhere"),
    "an object without a field": (text('{"meta": {"next": null}, "objects": [{"name": "Oslo"}]}'), "not as documented"),
    "a field of another type": (
        text('{"meta": {"next": null}, "objects": [{"name": "Oslo", "policy_server": 7}]}'),
        "not as documented",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_what_cannot_be_read_is_a_fault_and_the_rest_is_read(tmp_path: Path, manager: Simulated, name: str):
    fault, found = FAULTS[name]
    manager.faults[LOCATIONS] = fault
    manager.add("conference_alias", alias="board", conference=None)

    told = wrong(await lines_of(tmp_path, manager.url))

    assert [(level, subject) for level, subject, _ in told] == [
        (Level.FAULT, LOCATIONS),
        (Level.FAULT, "alias board"),
    ]
    assert found in told[0][2]


async def test_a_manager_that_hangs_ends_as_a_fault(tmp_path: Path, manager: Simulated):
    async def hang(_request: web.Request) -> web.StreamResponse:
        await manager.ended.wait()
        return web.Response()

    manager.faults[LOCATIONS] = hang

    told = wrong(await lines_of(tmp_path, manager.url, seconds=0.1))

    assert (LOCATIONS, "no answer in time") in [(subject, found) for _, subject, found in told]


async def test_a_manager_without_any_location_is_not_taken_for_a_good_one(tmp_path: Path, manager: Simulated):
    manager.lists[LOCATIONS].clear()

    assert "shows no location" in wrong(await lines_of(tmp_path, manager.url))[0][2]


async def test_a_wrong_password_is_a_fault_of_every_list(tmp_path: Path, manager: Simulated):
    file = configuration(tmp_path, manager.url)
    (tmp_path / "manager-password").write_text(secrets.token_hex(8))

    lines = await examine(options(file, "--pexip-manager"))

    told = wrong(lines)
    assert {found for _, _, found in told} == {"got status 401, expected 200"}
    assert len(told) == 9


@pytest.mark.component("openssl")
async def test_a_certificate_that_nobody_vouches_for_gets_no_password(tmp_path: Path):
    context = server_context(tmp_path, name="localhost")
    async with serving(well_kept(), tls=context) as manager:
        told = wrong(await lines_of(tmp_path, manager.url))

    assert {found for _, _, found in told} == {"no answer (ClientConnectorCertificateError)"}
    assert manager.asked == []


@pytest.mark.component("openssl")
async def test_a_certificate_of_the_configured_authority_is_trusted(tmp_path: Path):
    context = server_context(tmp_path, name="localhost")
    async with serving(well_kept(), tls=context) as manager:
        lines = await lines_of(tmp_path, manager.url, manager='ca_file = "certificate.pem"')

    assert wrong(lines) == []


async def test_no_line_holds_a_password_or_an_alias_of_the_platforms(tmp_path: Path, manager: Simulated):
    manager.add("conference_alias", alias="sip:board@example.com;user=somebody", conference=None)

    lines = await lines_of(tmp_path, manager.url)

    assert not any(secret in repr(lines) for secret in (PASSWORD, "a-password-of-the-profile", "somebody"))


async def test_a_manager_is_asked_slowly(tmp_path: Path, manager: Simulated):
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    config = prepare(configuration(tmp_path, manager.url)).config
    _ = [line async for line in examine_manager(config, pause=pause)]

    assert len(paused) == len(manager.asked)
    assert min(paused) >= 60 / 300  # a third of what a manager gives to everybody together
