"""What was measured, as tables to read."""

from collections.abc import Iterator, Mapping, Sequence

from tests.bench.contest import BARE, CHALLENGE, FLASK, JOIN, TOKEN, WARM, Result
from tests.bench.flood import Wave
from tests.bench.ladder import Rung
from tests.bench.tally import Tally

WARM_AT_MOST = 3.0
SLOWED_AT_MOST = 1.25


def ladder(rungs: Sequence[Rung], *, of: str = "the steps of a cold decision") -> str:
    """Write where the time goes."""
    lines = [f"{one.name:44}{one.microseconds:8.0f}" for one in rungs]
    return "\n".join((f"{of:44}{'CPU us':>8}", *lines, "", ""))


def tally(counted: Sequence[Tally]) -> str:
    """Write what each question makes of others. `later` = written with the next `put`, which waits for the disk."""
    methods = ("get", "claim", "swap", "later", "put")
    lines = [
        f"{one.question:44}{one.cedar:8}" + "".join(f"{one.store[method]:7}" for method in methods) + f"{one.spans:7}"
        for one in counted
    ]
    head = f"{'what one question asks for':44}{'Cedar':>8}" + "".join(f"{method:>7}" for method in (*methods, "spans"))
    return "\n".join((head, *lines, "", ""))


def flood(waves: Sequence[Wave]) -> str:
    """Write what bad tokens cost, and what they do to good ones and to the provider."""
    head = f"{'bad tokens, a good one around each hundred':44}{'number':>8}{'CPU us':>9}{'x good':>8}{'slowed':>8}"
    lines = [
        f"{one.kind:44}{one.size:8}{one.bad:9.0f}{one.bad / one.before:8.2f}{one.after / one.before:8.2f}"
        f"{one.asked:7}{one.wrong:7}"
        for one in waves
    ]
    slowed = max(one.after / one.before for one in waves)
    aim = _aim("a good token after the worst of them, CPU as before", slowed, most=SLOWED_AT_MOST)
    return "\n".join((f"{head}{'asked':>7}{'wrong':>7}", *lines, "", aim, *flood_faults(waves), "", ""))


def flood_faults(waves: Sequence[Wave]) -> list[str]:
    """Say which kind got in, kept somebody out, or made us ask the provider more often than is allowed."""
    wrong = [f"FAULT {one.kind}: {one.wrong} wrong answers" for one in waves if one.wrong]
    return wrong + [
        f"FAULT {one.kind}: asked for {one.asked} documents, expected at most {one.may_ask}"
        for one in waves
        if one.asked > one.may_ask
    ]


def table(results: Mapping[str, Result]) -> str:
    bare, flask = results[BARE], results[FLASK]
    lines = [
        f"{'':44}{'req/s':>8}{'CPU us':>9}{'x bare':>8}{'x Flask':>9}{'p50 ms':>9}{'p99 ms':>9}"
        f"{'spans':>7}{'wrong':>7}{'load':>6}"
    ]
    lines += [
        f"{one.stage:44}{one.rate:8.0f}{one.cpu:9.0f}{one.cpu / bare.cpu:8.2f}{one.cpu / flask.cpu:9.2f}"
        f"{one.percentile(50):9.2f}{one.percentile(99):9.2f}{one.spans:7.2f}{one.wrong:7}{one.load:6.0%}"
        for one in results.values()
    ]
    return "\n".join((*lines, "", *_aims(results), *faults(results), ""))


def _aims(results: Mapping[str, Result]) -> Iterator[str]:
    flask, bare = results[FLASK], results[BARE]
    whole = results[JOIN].cpu + results[CHALLENGE].cpu
    yield _aim("cold, a token each, CPU as Flask's", results[TOKEN].cpu / flask.cpu, most=1.0)
    yield _aim("cold, a token each, time as Flask's", flask.rate / results[TOKEN].rate, most=1.0)
    yield _aim("cold, token, device and challenge, CPU as Flask's token", whole / flask.cpu, most=1.0)
    seconds = 1 / results[JOIN].rate + 1 / results[CHALLENGE].rate
    yield _aim("cold, token, device and challenge, time as Flask's token", seconds * flask.rate, most=1.0)
    yield _aim("warm, CPU as bare aiohttp's", results[WARM].cpu / bare.cpu, most=WARM_AT_MOST)


def _aim(name: str, ratio: float, *, most: float) -> str:
    return f"{'reached' if ratio <= most else 'missed '} {name}: {ratio:.2f} times, aim {most:g}"


def faults(results: Mapping[str, Result]) -> list[str]:
    """Say what makes a run worthless."""
    wrong = [f"FAULT {one.stage}: {one.wrong} wrong answers" for one in results.values() if one.wrong]
    return wrong + [f"FAULT {one.stage}: {one.missing} spans are missing" for one in results.values() if one.missing]
