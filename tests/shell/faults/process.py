"""A real `vestibule serve`, started and ended by a test, with everybody around it in the test's own process."""

import asyncio
import json
import os
import secrets
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

from plugin.shell import telemetry
from tests.fakes import HandClock
from tests.shell.parties import DeviceAuthority, Issuer
from tests.shell.world import World, write_configuration

SERVE = (str(Path(sys.executable).with_name("vestibule")), "serve", "--config")
RECORDS = '[records]\nlog = "decisions.jsonl"\npseudonym_key_file = "secrets/pseudonym-key"\n'


@dataclass(slots=True, kw_only=True)
class Running:
    """One process of the service. `log` is what it has said so far, and `said` the same as bytes."""

    process: asyncio.subprocess.Process
    log: list[dict[str, object]] = field(default_factory=list)
    said: bytearray = field(default_factory=bytearray)

    async def says(self, message: str) -> dict[str, object] | None:
        """Read on until it says this; None = it ended first."""
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.said += line
            with suppress(ValueError):
                self.log.append(json.loads(line))
                if self.log[-1]["message"] == message:
                    return self.log[-1]
        return None

    async def ended(self) -> int:
        """Read what is left of the log, and return the exit code."""
        await self.says("")
        return await self.process.wait()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A configured service that does not run yet, and whoever talks to it. The clock is the real one, as it was."""

    world: World
    file: Path

    @property
    def store(self) -> Path:
        return self.world.folder / "state" / "vestibule.db"

    @asynccontextmanager
    async def running(self, *under: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Running]:
        """Run the service, `under` another program where one is named; afterwards nothing of it is left."""
        process = await asyncio.create_subprocess_exec(
            *under,
            *SERVE,
            str(self.file),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            yield Running(process=process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()

    def decisions(self) -> dict[str, dict[str, object]]:
        """Return what is written down, by decision id."""
        with sqlite3.connect(self.store) as connection:
            rows = connection.execute("SELECT key, value FROM entry WHERE kind = 'decision'").fetchall()
        connection.close()
        return {key: json.loads(value) for key, value in rows}


@asynccontextmanager
async def site(folder: Path, **parts: str) -> AsyncIterator[Site]:
    """Configure a service on a free port."""
    authority = DeviceAuthority()
    async with (
        Issuer("acme").running() as acme,
        Issuer("partners").running() as partners,
        ClientSession(connector=TCPConnector(limit=0)) as session,
    ):
        parts["server"] = parts.get("server", "") + "\n" + RECORDS
        file = write_configuration(folder, acme=acme.url, partners=partners.url, authority=authority, **parts)
        (folder / "secrets" / "pseudonym-key").write_text(secrets.token_hex(32))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        text = file.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}", 1)
        file.write_text(text.replace("sqlite:///state", f"sqlite:///{folder}/state"))
        world = World(
            session=session,
            url=f"http://127.0.0.1:{port}",
            clock=HandClock(datetime.now(UTC)),
            acme=acme,
            partners=partners,
            authority=authority,
            folder=folder,
            serving=None,
            traces=telemetry.start(None),
        )
        yield Site(world=world, file=file)
