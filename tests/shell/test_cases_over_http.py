"""The example cases of the shipped bundle, each as a real join: signed token, device certificate, HTTP, answer.

Gateways, room systems, people whom the platform signed in, and whoever holds a room already come by Pexip's door.
"""

from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

import pytest

from plugin.core.facts import Facts, Trunk
from plugin.core.finding import Proven
from plugin.core.identity import Provenance
from plugin.policy.cases import Case, Expectation, read_cases
from plugin.shell.bundles import read_folder
from plugin.shell.check import check
from tests.shell.parties import DeviceAuthority
from tests.shell.world import (
    CALLER_TOKEN,
    PROXIED_TOKEN,
    REPOSITORY,
    World,
    opened,
    write_configuration,
)

ACME, PARTNERS = "https://sso.acme.example", "https://sso.partners.example"
HOUSE_IDP, PARTNER_IDP = "7d7e6a2c-0a2a-4a2c-9d51-2d5b3b7c7c11", "0b5f0b5f-0a2a-4a2c-9d51-2d5b3b7c7c11"
PEXIP = f"""
dead_man_script = true
[[pexip.idp]]
uuid = "{HOUSE_IDP}"
issuer = "{{acme}}"
subject = "sub"
groups = "groups"
[[pexip.idp]]
uuid = "{PARTNER_IDP}"
issuer = "{{partners}}"
subject = "sub"
"""
ACR = {1: None, 2: "urn:acme:mfa", 3: "urn:acme:passkey"}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    folder = tmp_path_factory.mktemp("cases")
    file = write_configuration(folder, acme=ACME, partners=PARTNERS, authority=DeviceAuthority())
    checked = check(file)
    files = read_folder(REPOSITORY / "deploy" / "policies")
    # Time only moves on while a service runs.
    found = read_cases(files, bundle=checked.bundle, directory=checked.directory)
    return sorted(found, key=lambda case: case.facts.now)


def is_asserted(case: Case) -> bool:
    identity = case.facts.identity
    return isinstance(identity, Proven) and identity.value.provenance is Provenance.PLATFORM


def trunk_name(trunk: Trunk) -> str:
    return f"{trunk.line.value}-{trunk.org or 'nobody'}-{trunk.provenance.value}"


def trunks(cases: list[Case]) -> str:
    """Write a `[[trunk]]` for each kind of trunk that the cases have: by registration, or by network."""
    found = {trunk_name(case.facts.trunk): case.facts.trunk for case in cases if case.facts.trunk}
    tables = []
    for name, trunk in found.items():
        org = f'org = "{trunk.org}"\n' if trunk.org else ""
        alias = f'["{name}@trunks.example"]'
        known = f'networks = ["0.0.0.0/0", "::/0"]\naliases = {alias}'
        if trunk.provenance is Provenance.PLATFORM:
            known = f"registrations = {alias}"
        tables.append(f'[[trunk]]\nname = "{name}"\nkind = "{trunk.line.value}"\n{org}{known}\n')
    return "\n".join(tables)


def entry(case: Case, *, alias: str) -> str:
    """Write a directory entry for the conference of one case."""
    conference = case.facts.conference
    people = {"invited": sorted(conference.invited), "hosts": sorted(conference.hosts)}
    lists = "\n".join(f"{name} = {names}" for name, names in people.items())
    if case.facts.trunk:
        lists = lists.replace("trunk:case", f"trunk:{trunk_name(case.facts.trunk)}")
    guests = "" if conference.guests is None else f"guests = {str(conference.guests).lower()}"
    group = 'sso_group = "Corporate SSO"' if is_asserted(case) else ""
    text = (
        f'[[conference]]\nalias = "{alias}"\nzones = {list(conference.zones)}\n'
        f'classification = "{conference.classification}"\nowner = "{ACME}#bob"\n'
        f'separate = "{conference.separate.value}"\n{lists}\n{guests}\n{group}\n'
    )
    return text.replace(ACME, "{acme}").replace(PARTNERS, "{partners}")


async def proofs_of(world: World, facts: Facts, *, alias: str) -> dict[str, object]:
    proofs: dict[str, object] = {"conference": alias}
    if not isinstance(facts.identity, Proven):
        return proofs
    person = facts.identity.value
    issuer = world.acme if person.issuer == ACME else world.partners
    auth_time = int(person.auth_time.timestamp()) if person.auth_time else None
    token = issuer.token(
        person.subject,
        now=world.clock(),
        acr=ACR[person.level],
        auth_time=auth_time,
        groups=sorted(person.groups or ()),
    )
    device = None
    if isinstance(facts.device, Proven):
        assert facts.device.value.owner is not None, "a certificate of this authority always names its owner"
        device = world.authority.device(person.subject if issuer is world.acme else "partners-laptop")
    return await world.proofs(alias, token=token, device=device)


async def ask(world: World, case: Case, *, alias: str) -> dict[str, object]:
    """Join as whoever the case is about."""
    facts = case.facts
    world.clock.now = facts.now.astimezone(UTC)
    if facts.trunk or facts.zone or is_asserted(case):
        return await ask_as_pexip(world, case, alias=alias)
    bearer = CALLER_TOKEN if facts.network.located else PROXIED_TOKEN
    proofs = await proofs_of(world, facts, alias=alias)
    return await world.join(proofs, address=facts.network.address, bearer=bearer)


async def ask_as_pexip(world: World, case: Case, *, alias: str) -> dict[str, object]:
    """Ask for a room, then about whoever enters it, or enters the one that the case says they hold."""
    facts, call = case.facts, {}
    params = {"remote_address": facts.network.address, "location": "Oslo" if facts.network.located else "Bergen"}
    if facts.trunk:
        registered = str(facts.trunk.provenance is Provenance.PLATFORM)
        sender = f"sip:{trunk_name(facts.trunk)}@trunks.example"
        params |= {"protocol": "sip", "trigger": "invite", "remote_alias": sender, "registered": registered}
    elif isinstance(facts.identity, Proven) and is_asserted(case):
        person = facts.identity.value
        uuid = HOUSE_IDP if person.issuer == ACME else PARTNER_IDP
        call = {"idp_uuid": uuid, "idp_attribute_sub": person.subject, "idp_attribute_groups": '["none of ours"]'}
    else:
        params["call_tag"] = await world.ticket(await proofs_of(world, facts, alias=alias))
    answer = await world.service(alias, **params)
    if facts.zone:
        answer = {"action": "continue", "result": {"name": alias, "service_tag": f"vestibule:{facts.zone}:{alias}"}}
    if answer["action"] == "continue":
        answer = await world.participant(answer, call=alias, local_alias=alias, **params, **call)
    record = world.records[-1]
    assert (answer["action"] == "continue") is (record.outcome != "deny")
    return {
        "decision": record.outcome,
        "zone": record.zone,
        "capabilities": record.capabilities,
        "remedy": record.remedy,
    }


def is_as_expected(answer: Mapping[str, object], wanted: Expectation) -> bool:
    can = set(answer["capabilities"])
    return (
        (answer["decision"], answer["zone"] if wanted.zone else None) == (wanted.decision, wanted.zone)
        and {one.value for one in wanted.can} <= can
        and not {one.value for one in wanted.cannot} & can
        and wanted.step_up in (None, answer["remedy"] is not None)
    )


async def test_every_case_comes_out_over_http_as_it_is_judged(cases: list[Case], tmp_path: Path) -> None:
    aliases = [f"case-{number}" for number in range(len(cases))]
    conferences = "\n".join(entry(case, alias=alias) for case, alias in zip(cases, aliases, strict=True))
    differences = []

    async with opened(tmp_path, conferences=conferences + trunks(cases), pexip=PEXIP) as world:
        for case, alias in zip(cases, aliases, strict=True):
            answer = await ask(world, case, alias=alias)
            if not is_as_expected(answer, case.expectation):
                differences.append((case.name, answer))

    assert not differences
