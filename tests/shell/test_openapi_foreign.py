"""The document and the running service, held against each other by schemathesis: every check that it has."""

import asyncio
import os
import sys
from pathlib import Path

from tests.shell.world import CALLER_TOKEN, REPOSITORY, World


async def schemathesis(world: World, *options: str) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("st")), "run", f"{world.url}/openapi.json", *options]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=world.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "SCHEMATHESIS_HOOKS": "tests.shell.schemathesis_hooks"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_the_service_does_what_its_document_says(world: World) -> None:
    bearer = f"--header=Authorization: Bearer {CALLER_TOKEN}"
    status, output = await schemathesis(
        world, "--checks=all", "--max-examples=100", "--seed=1", bearer, "--exclude-path=/v1/logout"
    )

    assert status == 0, output


async def test_whoever_is_no_provider_signs_nobody_out_as_its_document_says(world: World) -> None:
    # Its own check that data of the described shape is taken is left out: a text of that shape is no signed token.
    status, output = await schemathesis(
        world,
        "--checks=all",
        "--exclude-checks=positive_data_acceptance",
        "--max-examples=50",
        "--seed=1",
        "--include-path=/v1/logout",
    )

    assert status == 0, output
