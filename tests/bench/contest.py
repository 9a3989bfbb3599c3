"""The contest: each server on one core, the load and the collector on another, in turn, round after round.

What a stage costs is read when its last span has arrived, so that sending them counts too.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median, quantiles

from tests.bench import questions
from tests.bench.load import Question, Run, ask
from tests.bench.processes import Server, serving
from tests.bench.questions import Crowd, Newcomer
from tests.shell.collector import Collector
from tests.shell.parties import DeviceAuthority, Issuer
from tests.shell.world import write_configuration

CONNECTIONS = 16
FORGED = "vt_" + "A" * 27

BARE = "bare aiohttp, a constant"
FLASK = "Flask + PyJWT + OpenTelemetry, a token each"
TOKEN = "ours, cold: a token each"
CHALLENGE = "ours: a challenge each"
JOIN = "ours, cold: a token and a device each"
TICKET = "ours, cold: both for a ticket each"
SERVICE = "ours, Pexip service by ticket, first"
PARTICIPANT = "ours, Pexip participant by ticket, first"
WARM = "ours, warm: the participant question again"
STAGES = (BARE, FLASK, TOKEN, CHALLENGE, JOIN, TICKET, SERVICE, PARTICIPANT, WARM)

# Each step of a question is a span, and so is the question. A challenge is not traced; a ticket is not judged.
SPANS = {BARE: 0, CHALLENGE: 0, TICKET: 5} | dict.fromkeys((FLASK, TOKEN, JOIN, SERVICE, PARTICIPANT, WARM), 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One stage of one round. `spans` are those that arrived, `load` how busy the load's core was, at most 1."""

    questions: int
    seconds: float
    cpu: float
    latencies: Sequence[float]
    wrong: int
    spans: int
    load: float


@dataclass(slots=True, kw_only=True)
class Result:
    """The laps of one stage."""

    stage: str
    laps: list[Lap] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(lap.questions / lap.seconds for lap in self.laps)

    @property
    def cpu(self) -> float:
        """Microseconds of processor time for one question."""
        return median(lap.cpu / lap.questions for lap in self.laps) * 1e6

    @property
    def spans(self) -> float:
        return sum(lap.spans for lap in self.laps) / sum(lap.questions for lap in self.laps)

    @property
    def missing(self) -> int:
        return sum(lap.questions * SPANS[self.stage] - lap.spans for lap in self.laps)

    @property
    def wrong(self) -> int:
        return sum(lap.wrong for lap in self.laps)

    @property
    def load(self) -> float:
        return median(lap.load for lap in self.laps)

    def percentile(self, percent: int) -> float:
        """Milliseconds, the median over the rounds."""
        return median(quantiles(lap.latencies, n=100)[percent - 1] for lap in self.laps) * 1e3


@dataclass(slots=True, kw_only=True)
class Contest:
    """Everybody who takes part, and what has been measured of them. `patience` = seconds that late spans are given."""

    bare: Server
    flask: Server
    ours: Server
    crowd: Crowd
    collectors: dict[int, Collector]
    patience: float = 15.0
    results: dict[str, Result] = field(default_factory=lambda: {name: Result(stage=name) for name in STAGES})

    async def round(self, size: int, *, counts: bool) -> None:
        """Run every stage once; a round that does not count warms everybody up."""
        newcomers = self.crowd.newcomers
        cold = newcomers(size)
        challenges = await self.lap(CHALLENGE, self.ours, [questions.challenge()] * (2 * size), counts=counts)
        first, second = challenges.bodies[:size], challenges.bodies[size:]
        alone = [questions.join(who, challenge=None, honest="allow") for who in newcomers(size)]
        await self.lap(FLASK, self.flask, alone, counts=counts)
        alone = [questions.join(who, challenge=None, honest="redirect") for who in newcomers(size)]
        await self.lap(TOKEN, self.ours, alone, counts=counts)
        proven = [questions.join(who, challenge=given, honest="allow") for who, given in zip(cold, first, strict=True)]
        await self.lap(JOIN, self.ours, proven, counts=counts)
        await self._app(newcomers(size), challenges=second, counts=counts)

    async def _app(self, people: Sequence[Newcomer], *, challenges: list[dict[str, object]], counts: bool) -> None:
        """Bring people in as Pexip's app does: proofs for a ticket, the room by it, the call, and the call again."""
        asked = [questions.ticket(who, challenge=given) for who, given in zip(people, challenges, strict=True)]
        issued = await self.lap(TICKET, self.ours, asked, counts=counts)
        tickets = [str(body.get("ticket", FORGED)) for body in issued.bodies]
        rooms = [questions.service(who, ticket=each) for who, each in zip(people, tickets, strict=True)]
        await self.lap(SERVICE, self.ours, rooms, counts=counts)
        calls = [questions.participant(who, ticket=each) for who, each in zip(people, tickets, strict=True)]
        await self.lap(PARTICIPANT, self.ours, calls, counts=counts)
        await self.lap(WARM, self.ours, calls, counts=counts)
        constant = [Question(raw=call.raw, status=200, expected={"action": "continue"}) for call in calls]
        await self.lap(BARE, self.bare, constant, counts=counts)

    async def lap(self, stage: str, server: Server, asked: Sequence[Question], *, counts: bool) -> Run:
        """Put the questions of one stage to one server."""
        collector = self.collectors.get(server.port, Collector())
        collector.spans.clear()
        gc.collect()
        before = server.cpu()
        run = await ask(server.port, asked, connections=CONNECTIONS)
        await _arrived(collector, SPANS[stage] * len(asked), seconds=self.patience)
        lap = Lap(
            questions=len(asked),
            seconds=run.seconds,
            cpu=server.cpu() - before,
            latencies=run.latencies,
            wrong=run.wrong,
            spans=len(collector.spans),
            load=run.client_cpu / run.seconds,
        )
        if counts:
            self.results[stage].laps.append(lap)
        return run


async def _arrived(collector: Collector, expected: int, *, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while len(collector.spans) < expected:  # noqa: ASYNC110 - the tests' collector says nothing of its own
                await asyncio.sleep(0.05)


@asynccontextmanager
async def opened(folder: Path, *, cores: set[int]) -> AsyncIterator[Contest]:
    """Start everybody."""
    authority = DeviceAuthority()
    async with AsyncExitStack() as stack:
        acme = await stack.enter_async_context(Issuer("acme").running())
        ours_to, flask_to = [await stack.enter_async_context(Collector().running()) for _ in range(2)]
        file = write_configuration(
            folder,
            acme=acme.url,
            partners="https://partners.example",
            authority=authority,
            telemetry=f'endpoint = "{ours_to.url}"',
            requests_per_minute="1000000",
        )
        logs = (folder / f"{number}.log" for number in count())
        run = "from plugin.shell.cli import main; raise SystemExit(main())"
        bare = serving(["-m", "tests.bench.bare"], log=next(logs), listening=r"listening on (\d+)", cores=cores)
        flask = serving(
            ["-m", "gunicorn", *GUNICORN],
            log=next(logs),
            listening=r"Listening at: http://127.0.0.1:(\d+)",
            cores=cores,
            environment={"BENCH_ISSUER": acme.url, "BENCH_TRACES": f"{flask_to.url}/v1/traces", **SOONER},
        )
        ours = serving(
            ["-c", run, "serve", "--config", str(file)],
            log=next(logs),
            listening=r'"serving".*"port": (\d+)',
            cores=cores,
            environment=SOONER,
        )
        servers = [stack.enter_context(one) for one in (bare, flask, ours)]
        yield Contest(
            bare=servers[0],
            flask=servers[1],
            ours=servers[2],
            crowd=Crowd(acme=acme, stranger=Issuer("stranger"), authority=authority),
            collectors={servers[1].port: flask_to, servers[2].port: ours_to},
        )


# Both export twice a second instead of every 5 s, so that nobody waits for the last spans of a lap.
SOONER = {"OTEL_BSP_SCHEDULE_DELAY": "500"}
# One worker, as there is one core; threads, as its own documentation advises where a request waits for others.
GUNICORN = (
    "--bind=127.0.0.1:0",
    "--worker-class=gthread",
    "--workers=1",
    "--threads=8",
    "--keep-alive=75",
    "tests.bench.flask_server:app",
)
