"""The tally: what each kind of question makes of others, as facts and not as times."""

from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import urlsplit

from plugin.flow.ticketing import IssuedTicket
from plugin.jose.strict_json import read_object
from plugin.platforms import generic
from plugin.platforms.pexip import Endpoint
from plugin.shell.generic_door import GenericAnswers
from plugin.shell.pexip_desk import PexipDesk, question_of
from plugin.shell.wiring import utc_now
from tests.bench import questions
from tests.bench.household import Household
from tests.bench.load import HEAD_END, Question
from tests.bench.questions import CONFERENCE
from tests.fakes import ample
from tests.policy.counting import questions_to_cedar


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """`cedar` = questions put to Cedar, `store` = calls of the store by method, `spans` = spans that were made."""

    question: str
    cedar: int
    store: Counter[str]
    spans: int


async def tallies(household: Household) -> list[Tally]:
    """Ask one question of each kind, and count."""
    house, (alone, with_device, app) = household.house, household.crowd.newcomers(3)
    entry = household.checked.config.pexip
    assert entry is not None
    desk, rights = PexipDesk(), household.checked.config.callers[0].rights

    async def join(question: Question) -> object:
        asked = generic.read_join(_body(question), caller=rights, now=utc_now())
        return await house.admission.answer(asked, platform=GenericAnswers(rights.enforcement), budget=ample())

    async def pexip(question: Question, *, endpoint: Endpoint) -> object:
        target = question.raw.split(b" ", 2)[1].decode()
        asked = question_of(urlsplit(target).path, urlsplit(target).query, endpoint=endpoint, budget=ample())
        return await desk.answer(asked, house=house, settings=entry.settings)

    counted = [
        await _count("cold: a token", join(questions.join(alone, challenge=None, honest="")), household=household)
    ]
    challenge = await household.challenge_of_the_house(CONFERENCE)
    proven = questions.join(with_device, challenge=challenge, honest="")
    counted.append(await _count("cold: a token and a device", join(proven), household=household))
    challenge = await household.challenge_of_the_house(CONFERENCE)
    request = generic.read_ticket(_body(questions.ticket(app, challenge=challenge)), now=utc_now())
    issued = await house.exchange.issue(request, budget=ample())
    assert isinstance(issued, IssuedTicket)
    room = questions.service(app, ticket=issued.secret)
    call = questions.participant(app, ticket=issued.secret)
    for name, question, endpoint in (
        ("Pexip service by ticket, first", room, Endpoint.SERVICE),
        ("Pexip service, again", room, Endpoint.SERVICE),
        ("Pexip participant by ticket, first", call, Endpoint.PARTICIPANT),
        ("warm: Pexip participant, again", call, Endpoint.PARTICIPANT),
    ):
        counted.append(await _count(name, pexip(question, endpoint=endpoint), household=household))
    return counted


def _body(question: Question) -> dict[str, object]:
    return read_object(question.raw.partition(HEAD_END)[2])


async def _count(name: str, answer: Awaitable[object], *, household: Household) -> Tally:
    household.processor.force_flush()
    household.store.calls.clear()
    before = household.shredder.spans
    with questions_to_cedar() as asked:
        await answer
    household.processor.force_flush()
    calls = Counter(household.store.calls)
    return Tally(question=name, cedar=len(asked), store=calls, spans=household.shredder.spans - before)
