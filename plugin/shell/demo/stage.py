"""Plays the joins: for each person what their web client does, then what the conferencing node does.

All of it goes over HTTP to the running service, and what came back is handed to the feed as it came.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta

from aiohttp import ClientSession, CookieJar
from yarl import URL

from plugin.shell.demo.accounts import Client
from plugin.shell.demo.attempts import MOMENTS, PLACES, Attempt, player
from plugin.shell.demo.cast import Cast
from plugin.shell.demo.client import Challenge, Login, ProtocolError, Ticket, WebClient
from plugin.shell.demo.clock import DemoClock
from plugin.shell.demo.feed import Feed
from plugin.shell.demo.joins import Join, Question, end_of, failed_question, node_questions, ticket_question
from plugin.shell.demo.node import Caller, Node
from plugin.shell.demo.people import ALICE, PEOPLE, Person, SignIn
from plugin.shell.demo.provider import COOKIE, Provider

HOURS_AGO = timedelta(hours=9)


class Stage:
    """Everything that the players need. `providers` are by organisation."""

    def __init__(
        self,
        *,
        feed: Feed,
        service: str,
        node: Node,
        client: Client,
        providers: Mapping[str, Provider],
        cast: Cast,
        clock: DemoClock,
    ) -> None:
        self._feed = feed
        self._service = service
        self._node = node
        self._client = client
        self._providers = providers
        self._cast = cast
        self._clock = clock
        self._stolen = ""
        self._stage = asyncio.Lock()

    @property
    def is_busy(self) -> bool:
        """Say whether somebody is joining: nobody else begins before they have finished."""
        return self._stage.locked()

    async def play(self, *, pause: float) -> tuple[Join, ...]:
        """Let everybody join, one after the other, with `pause` seconds between them."""
        joins = []
        async with self._stage:
            for number, person in enumerate(PEOPLE):
                await asyncio.sleep(pause if number else 0)
                join = self._feed.begin(person)
                joins.append(await self._join(join, person=person, address=f"192.0.2.{10 + number}"))
        return tuple(joins)

    async def attempt(self, attempt: Attempt) -> Join:
        """Let one person join as was chosen. For that long everybody's clock shows the chosen moment."""
        moment = MOMENTS[attempt.moment]
        async with self._stage:
            with self._clock.moved(days=moment.days, at=moment.at):
                person = player(attempt)
                join = self._feed.begin(person, attempt=attempt)
                return await self._join(join, person=person, address=PLACES[attempt.network].address)

    async def _join(self, join: Join, *, person: Person, address: str) -> Join:
        """Get a ticket, if there is one to be had, and dial. Whoever got none dials all the same, without one."""
        questions: tuple[Question, ...] = ()
        ticket = ""
        if person.device or person.sign_in is not SignIn.NOT:
            asked, ticket = await self._exchange(person)
            questions = (asked,)
        caller = Caller(alias=person.conference, display_name=person.name, address=address, call_tag=ticket)
        outcome = await self._node.dial(caller)
        questions += node_questions(outcome)
        return self._feed.finish(join, person=person, questions=questions, end=end_of(outcome))

    async def _exchange(self, person: Person) -> tuple[Question, str]:
        """Exchange what the person has for a ticket, in a browser of their own; empty where there is none to be had."""
        jar = CookieJar(unsafe=True)  # cookies of a loopback address, which the jar would else refuse
        began = time.perf_counter()
        async with ClientSession(cookie_jar=jar) as http:
            client = WebClient(http=http, service=self._service)
            try:
                challenge = await client.challenge(person.conference)
                id_token = await self._id_token(person, client=client, challenge=challenge, jar=jar)
                began = time.perf_counter()
                laptop = self._cast.laptops[person.device] if person.device else None
                answer = await client.ticket(challenge, id_token=id_token, device=laptop)
            except ProtocolError as error:
                return failed_question(str(error), milliseconds=_since(began)), ""
        ticket = answer.secret if isinstance(answer, Ticket) else ""
        return ticket_question(answer, milliseconds=_since(began)), ticket

    async def _id_token(self, person: Person, *, client: WebClient, challenge: Challenge, jar: CookieJar) -> str:
        if person.sign_in is SignIn.NOT:
            return ""
        if person.sign_in is SignIn.STOLEN:
            return self._stolen
        account, provider = self._cast.accounts[person.name], self._providers[person.org or ""]
        login: Login | None = Login(username=account.username, password=account.password)
        if person.sign_in is SignIn.HOURS_AGO:
            cookie = provider.sessions.open(account, auth_time=self._clock() - HOURS_AGO)
            jar.update_cookies({COOKIE: cookie}, URL(provider.issuer))
            login = None
        id_token = await client.sign_in(provider.issuer, registered=self._client, nonce=challenge.nonce, login=login)
        if person is ALICE:  # the one who plays, whom Eve steals from: one that is tried is another
            self._stolen = id_token
        return id_token


def _since(began: float) -> float:
    """Return the milliseconds since a moment of `time.perf_counter`."""
    return (time.perf_counter() - began) * 1000
