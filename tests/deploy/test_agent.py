"""The shell steps for a laptop with a TPM, run against the real service and a TPM that nobody here wrote."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from plugin.core.reasons import Reason
from tests.attestation.software_tpm import SoftwareTpm, software_tpm
from tests.shell.test_devices_command import devices
from tests.shell.world import World, opened

pytestmark = [
    pytest.mark.component("swtpm"),
    pytest.mark.component("tpm2-tools"),
    pytest.mark.component("openssl"),
    pytest.mark.component("xxd"),
    pytest.mark.component("curl"),
]

AGENT = Path(__file__).resolve().parents[2] / "deploy" / "agent"
TABLE = '[[evidence]]\nname = "laptops"\nformat = "tpm"\nroots_files = ["makers.pem"]\n[enrolment]\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Laptop:
    tpm: SoftwareTpm
    world: World

    @property
    def state(self) -> Path:
        return self.tpm.folder / "agent"

    async def run(self, script: str, *arguments: str, origin: str = "https://vestibule.example.com") -> tuple[int, str]:
        environment = {
            **os.environ,
            "TPM2TOOLS_TCTI": f"swtpm:host=127.0.0.1,port={self.tpm.port}",
            "VESTIBULE_URL": self.world.url,
            "VESTIBULE_ORIGIN": origin,
            "VESTIBULE_STATE": str(self.state),
        }
        process = await asyncio.create_subprocess_exec(
            "bash", str(AGENT / script), *arguments, env=environment, cwd=self.tpm.folder,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complaints = await process.communicate()
        return process.returncode or 0, (said or complaints).decode()

    def signed_in(self) -> str:
        token = self.tpm.folder / "token.jwt"
        token.write_text(self.world.token("alice") + "\n")
        return str(token)

    async def enrol(self) -> tuple[str, str]:
        issuer = str(self.tpm.folder / "ca" / "issuercert.pem")
        code, said = await self.run("enrol.sh", "my laptop", self.signed_in(), issuer)
        assert code == 0, said
        device, state = said.split()
        return device, state

    async def prove(self, **how: str) -> tuple[int, str]:
        return await self.run("prove.sh", "board", self.signed_in(), **how)


@pytest.fixture(scope="module")
def tpms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SoftwareTpm, SoftwareTpm]]:
    with ExitStack() as stack:
        first, second = (stack.enter_context(software_tpm(tmp_path_factory.mktemp("tpm"))) for _ in range(2))
        yield first, second


@pytest_asyncio.fixture
async def world(tmp_path: Path, tpms: tuple[SoftwareTpm, SoftwareTpm]) -> AsyncIterator[World]:
    (tmp_path / "makers.pem").write_bytes(b"\n".join(tpm.roots for tpm in tpms))
    async with opened(tmp_path, now=datetime.now(UTC), enrolment=TABLE) as opening:
        yield opening


@pytest.fixture
def laptops(world: World, tpms: tuple[SoftwareTpm, SoftwareTpm]) -> tuple[Laptop, Laptop]:
    return Laptop(tpm=tpms[0], world=world), Laptop(tpm=tpms[1], world=world)


async def test_a_laptop_enrols_and_joins_once_it_is_approved(world: World, laptops: tuple[Laptop, Laptop]) -> None:
    laptop, _ = laptops

    device, state = await laptop.enrol()
    early = await laptop.prove()
    code, said = await devices(world, "approve", device)
    proven, ticket = await laptop.prove()
    answer = await world.join({"conference": "board", "ticket": ticket.strip()})

    assert (state, code) == ("pending", 0), said
    assert early[0] != 0
    assert Reason.DEVICE_PENDING.code in early[1]
    assert proven == 0, ticket
    assert answer["decision"] == "allow", answer


async def test_another_laptop_with_all_that_the_first_one_keeps_proves_nothing(
    world: World, laptops: tuple[Laptop, Laptop]
) -> None:
    laptop, thief = laptops
    device, _ = await laptop.enrol()
    await devices(world, "approve", device)
    await thief.enrol()
    shutil.copy(laptop.state / "ak.name", thief.state / "ak.name")

    code, said = await thief.prove()

    assert code != 0, said
    assert Reason.EVIDENCE_SIGNATURE.code in said


async def test_a_laptop_signs_nothing_for_another_origin(laptops: tuple[Laptop, Laptop]) -> None:
    laptop, _ = laptops
    await laptop.enrol()

    code, said = await laptop.prove(origin="https://elsewhere.example.com")

    assert (code, said) == (1, "the challenge is not for https://elsewhere.example.com\n")
