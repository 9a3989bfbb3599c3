"""The example cases of the shipped bundle, each as a real join: signed token, device certificate, HTTP, answer.

A partner's gateway cannot be presented over HTTP yet, so its cases are judged only; every other case is here.
"""

from datetime import UTC
from pathlib import Path

import pytest

from plugin.core.facts import Conference
from plugin.core.finding import Proven
from plugin.policy.cases import Case, read_cases
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
NAMED = "board"
ACR = {1: None, 2: "urn:acme:mfa", 3: "urn:acme:passkey"}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    folder = tmp_path_factory.mktemp("cases")
    file = write_configuration(folder, acme=ACME, partners=PARTNERS, authority=DeviceAuthority())
    checked = check(file)
    files = read_folder(REPOSITORY / "deploy" / "policies")
    # Time only moves on while a service runs.
    found = read_cases(files, bundle=checked.bundle, directory=checked.directory)
    return sorted((case for case in found if case.facts.trunk is None), key=lambda case: case.facts.now)


def entry(conference: Conference, *, alias: str) -> str:
    """Write a directory entry for the conference of one case."""
    people = {"invited": sorted(conference.invited), "hosts": sorted(conference.hosts)}
    lists = "\n".join(f"{name} = {names}" for name, names in people.items())
    guests = "" if conference.guests is None else f"guests = {str(conference.guests).lower()}"
    text = (
        f'[[conference]]\nalias = "{alias}"\nzones = {list(conference.zones)}\n'
        f'classification = "{conference.classification}"\nowner = "{ACME}#bob"\n{lists}\n{guests}\n'
    )
    return text.replace(ACME, "{acme}").replace(PARTNERS, "{partners}")


async def ask(world: World, case: Case, *, alias: str) -> dict[str, object]:
    """Join as the person of a case."""
    facts = case.facts
    world.clock.now = facts.now.astimezone(UTC)
    proofs: dict[str, object] = {"conference": alias}
    if isinstance(facts.identity, Proven):
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
        proofs = await world.proofs(alias, token=token, device=device)
    bearer = CALLER_TOKEN if facts.network.located else PROXIED_TOKEN
    return await world.join(proofs, address=facts.network.address, bearer=bearer)


async def test_every_case_comes_out_over_http_as_it_is_judged(cases: list[Case], tmp_path: Path) -> None:
    aliases = [f"case-{number}" for number in range(len(cases))]
    conferences = "\n".join(
        entry(case.facts.conference, alias=alias) for case, alias in zip(cases, aliases, strict=True)
    )
    differences = []

    async with opened(tmp_path, conferences=conferences) as world:
        for case, alias in zip(cases, aliases, strict=True):
            answer = await ask(world, case, alias=alias)
            wanted = case.expectation
            got = (answer["decision"], answer["zone"] if wanted.zone else None)
            can = set(answer["capabilities"])
            as_expected = (
                got == (wanted.decision, wanted.zone)
                and {one.value for one in wanted.can} <= can
                and not {one.value for one in wanted.cannot} & can
                and (not wanted.step_up or answer["remedy"] is not None)
            )
            if not as_expected:
                differences.append((case.name, answer))

    assert not differences
