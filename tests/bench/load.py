"""The load: connections that are kept, each with one question under way, until a list of questions is through.

Questions are made into bytes before the clock starts and answers are read after it has stopped, so that little is left
to do while it runs. A fixed number of questions, instead of a fixed time, lets every answer and every span be counted.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The bytes of one request. `expected` = the status of its answer, and what its JSON has to say."""

    raw: bytes
    status: int
    expected: Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class Run:
    """What came of a list of questions. `bodies` are in the order of the questions; `seconds` = how long all took."""

    bodies: list[dict[str, object]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    wrong: int = 0
    seconds: float = 0.0
    client_cpu: float = 0.0


def post(path: str, body: object, *, bearer: str = "") -> bytes:
    """Write a request with a JSON body."""
    text = json.dumps(body).encode()
    head = [f"POST {path} HTTP/1.1", "Host: bench", "Content-Type: application/json", f"Content-Length: {len(text)}"]
    head += [f"Authorization: Bearer {bearer}"] if bearer else []
    return "\r\n".join(head).encode() + HEAD_END + text


def get(path: str, parameters: Mapping[str, str], *, headers: Mapping[str, str]) -> bytes:
    """Write a request with a query."""
    head = [f"GET {path}?{urlencode(parameters)} HTTP/1.1", "Host: bench"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(head).encode() + HEAD_END


async def ask(port: int, questions: Sequence[Question], *, connections: int) -> Run:
    """Ask all of them, and hold each answer against what it should be."""
    loop = asyncio.get_running_loop()
    answers: list[bytes] = [b""] * len(questions)
    waiting = iter(enumerate(questions))
    run = Run()
    lines = [_Line(waiting, answers=answers, latencies=run.latencies) for _ in range(connections)]
    for line in lines:
        await loop.create_connection(lambda line=line: line, "127.0.0.1", port)
    began, cpu = time.perf_counter(), time.process_time()
    for line in lines:
        line.next()
    await asyncio.gather(*(line.through for line in lines))
    run.seconds, run.client_cpu = time.perf_counter() - began, time.process_time() - cpu
    for line in lines:
        line.close()
    for question, answer in zip(questions, answers, strict=True):
        status, body = _read(answer)
        run.bodies.append(body)
        run.wrong += not (status == question.status and question.expected.items() <= body.items())
    return run


def _read(answer: bytes) -> tuple[int, dict[str, object]]:
    head, _, body = answer.partition(HEAD_END)
    if not head:
        return 0, {}
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    return int(head.split(b" ", 2)[1]), value if isinstance(value, dict) else {}


class _Line(asyncio.Protocol):
    """One connection. A connection that ends early leaves its question without an answer, which is a wrong one."""

    def __init__(
        self, waiting: Iterator[tuple[int, Question]], *, answers: list[bytes], latencies: list[float]
    ) -> None:
        self._waiting = waiting
        self._answers = answers
        self._latencies = latencies
        self._received = b""
        self._number = 0
        self._asked = 0.0
        self.through: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(HEAD_END)
        if end and len(body) >= _length(head):
            self._latencies.append(time.perf_counter() - self._asked)
            self._answers[self._number], self._received = self._received, b""
            self.next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.through.done():
            self.through.set_result(None)

    def next(self) -> None:
        """Put the next question, or end where none is left."""
        found = next(self._waiting, None)
        if found is None:
            self.through.set_result(None)
            return
        self._number, question = found
        self._asked = time.perf_counter()
        self._transport.write(question.raw)

    def close(self) -> None:
        self._transport.close()


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])
