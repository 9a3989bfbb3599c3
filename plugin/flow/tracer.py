"""Where the trace of a question begins: by itself, as the continuation of another one, or linked to it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType

from opentelemetry.trace import Link, SpanContext, SpanKind, Tracer

from plugin.flow.trace_context import EarlierQuestions, read_traceparent, under
from plugin.flow.tracing import CALLER, EARLIER, JOIN, JOIN_KEY, LINK, Now, OpenSpan, Steps, describe

NO_NOTES: Mapping[str, str] = MappingProxyType({})


class Tracing:
    """Traces the questions of platforms. `monotonic` counts seconds, `epoch` nanoseconds since 1970."""

    def __init__(
        self, tracer: Tracer, *, monotonic: Callable[[], float], epoch: Callable[[], int] = time.time_ns
    ) -> None:
        self._tracer = tracer
        self._monotonic = monotonic
        self._epoch = epoch
        self._earlier = EarlierQuestions(monotonic=monotonic)

    def join(
        self,
        *,
        parent: str | None,
        since: int,
        caller: str | None = None,
        join_key: str = "",
        notes: Mapping[str, str] = NO_NOTES,
    ) -> AbstractContextManager[Steps]:
        """Trace one question about a join.

        `parent` is the `traceparent` of an earlier question of the same join, `caller` that of a listed caller. The
        trace that continues is the first of them; without either a new one begins. What is not continued is linked:
        the caller, and earlier questions under the same `join_key`, which is empty where there is none.
        """
        own, callers = read_traceparent(parent), read_traceparent(caller)
        links = [_link(callers, why=CALLER)] if own and callers else []
        if own is None:
            links += [_link(context, why=EARLIER) for context in self._earlier.under(join_key)]
        notes = {JOIN_KEY: join_key, **notes}
        remembered = join_key if own is None else ""
        return self.question(
            JOIN, since=since, notes=notes, within=own or callers, links=links, remembered_as=remembered
        )

    @contextmanager
    def question(
        self,
        name: str,
        *,
        since: int,
        notes: Mapping[str, str] = NO_NOTES,
        within: SpanContext | None = None,
        links: Sequence[Link] = (),
        remembered_as: str = "",
    ) -> Iterator[Steps]:
        """Trace one question, which has been read from `since` (nanoseconds since 1970) until now.

        A new trace begins but `within` another span, whatever else the process may be tracing. `notes` are attributes
        of the root; an empty one is left out. Later questions are linked to one that is `remembered_as` something.
        """
        root = self._tracer.start_span(name, context=under(within), kind=SpanKind.SERVER, links=links, start_time=since)
        self._earlier.add(root.get_span_context(), join_key=remembered_as)
        read_until = max(self._epoch(), since)
        now = self._counting_from(read_until)
        with OpenSpan(root, now=now):
            describe(root, notes)
            steps = Steps(root, tracer=self._tracer, since=since, now=now)
            steps.add_read(until=read_until)
            yield steps

    def _counting_from(self, epoch: int) -> Now:
        """Return a clock that shows `epoch` now, and that nobody can set back or forward."""
        began = self._monotonic()
        return lambda: epoch + round((self._monotonic() - began) * 1e9)


def _link(context: SpanContext, *, why: str) -> Link:
    return Link(context, {LINK: why})
