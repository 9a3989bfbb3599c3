"""Answers a question of a Pexip node that has come through the door: one of six kinds, each with its own answer.

Nothing here speaks HTTP or knows who asks. What cannot be answered gets the safe answer of its kind, never silence.
"""

import asyncio
import re
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import parse_qsl

from cachetools import LRUCache

from plugin.core.decision import Decision
from plugin.core.join import JoinRequest
from plugin.core.reasons import Reason
from plugin.flow.budget import Budget
from plugin.platforms import pexip, pexip_answers, pexip_questions
from plugin.platforms.pexip import Endpoint, LeftToPlatform, NotAJoin, Params, PexipSettings
from plugin.platforms.pexip_avatar import Avatar, draw, read_avatar
from plugin.platforms.pexip_directory import look_up
from plugin.platforms.pexip_media import locate
from plugin.platforms.pexip_registration import read_registration, write_registration
from plugin.platforms.pexip_rooms import PexipRooms
from plugin.ports import Json
from plugin.shell.gate import House

PLATFORM = "pexip"
MAX_PARAMETERS = 200
# Pictures that are kept: there is one for each zone and size, and few sizes are ever asked for.
MAX_PICTURES = 256
_DIGITS = "0123456789"
_REGISTRATIONS = "/policy/v1/registrations/"

Said = Json | bytes | None
"""An answer: JSON, a picture, or None, which is a 404."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as it came. `params` None = they cannot be decoded; `unverified_path` = what follows the endpoint's.

    `credential` = by which of its own the platform was recognised, empty where it has one only.
    """

    endpoint: Endpoint
    params: Params | None
    unverified_path: str
    credential: str
    budget: Budget


class PexipDesk:
    """Answers questions, each by a house and the settings that it was built with."""

    def __init__(self) -> None:
        self._pictures: LRUCache[Avatar, bytes] = LRUCache(MAX_PICTURES)
        # A thread of its own, so that pictures wait for each other and nothing else waits for them.
        self._painter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="avatar")

    async def answer(self, question: Question, *, house: House, settings: PexipSettings) -> Said:
        """Answer a question; None is a 404, by which Pexip draws its own placeholder for an avatar."""
        endpoint, params = question.endpoint, question.params
        if params is None:
            return refusal(endpoint, Reason.REQUEST_MALFORMED)
        match endpoint:
            case Endpoint.SERVICE | Endpoint.PARTICIPANT:
                return await _join(question, params=params, house=house, settings=settings)
            case Endpoint.REGISTRATION:
                return await _register(question, params=params, house=house)
            case Endpoint.LOCATION:
                said = locate(params, rooms=house.rooms, settings=settings)
                return said or pexip.SAFE_ANSWERS[endpoint]
            case Endpoint.DIRECTORY:
                return look_up(params, settings=settings) or pexip.SAFE_ANSWERS[endpoint]
            case Endpoint.AVATAR:
                avatar = read_avatar(params, rooms=house.rooms, settings=settings)
                return await self._picture(avatar) if avatar else None
            case _:
                assert_never(endpoint)

    async def _picture(self, avatar: Avatar) -> bytes:
        if avatar not in self._pictures:
            loop = asyncio.get_running_loop()
            self._pictures[avatar] = await loop.run_in_executor(self._painter, draw, avatar)
        return self._pictures[avatar]


async def _join(question: Question, *, params: Params, house: House, settings: PexipSettings) -> Json | None:
    read = pexip_questions.read(question.endpoint, params, settings=settings, now=house.clock())
    if isinstance(read, LeftToPlatform):
        return pexip.LEAVE
    if isinstance(read, NotAJoin):
        return refusal(question.endpoint, read.reason)
    platform = PexipAnswers(rooms=house.rooms, settings=settings)
    answer = await house.admission.answer(
        read, platform=platform, budget=question.budget, credential=question.credential
    )
    return answer.body


async def _register(question: Question, *, params: Params, house: House) -> Json | None:
    request = read_registration(question.unverified_path, params)
    if request is None:
        return refusal(question.endpoint, Reason.REQUEST_MALFORMED)
    registration = await house.registrar.answer(
        request, platform=PLATFORM, budget=question.budget, credential=question.credential
    )
    return write_registration(registration)


def question_of(raw_path: str, raw_query: str, *, endpoint: Endpoint, budget: Budget, credential: str = "") -> Question:
    """Take a request apart. Of the path, only what a registration is about is left as it came."""
    return Question(
        endpoint=endpoint,
        params=_parameters(raw_query),
        unverified_path=raw_path.partition(_REGISTRATIONS)[2],
        credential=credential,
        budget=budget,
    )


def endpoint_of(path: str) -> Endpoint | None:
    """Find the endpoint of a decoded path, None where there is none."""
    match re.sub("^/+", "/", path).split("/")[1:]:
        case ["policy", "v1", "service", "configuration"]:
            return Endpoint.SERVICE
        case ["policy", "v1", "participant", "properties"]:
            return Endpoint.PARTICIPANT
        case ["policy", "v1", "participant", "location"]:
            return Endpoint.LOCATION
        case ["policy", "v1", "participant", "avatar", *_]:
            return Endpoint.AVATAR
        case ["policy", "v1", "registrations"]:
            return Endpoint.DIRECTORY
        case ["policy", "v1", "registrations", *_]:
            return Endpoint.REGISTRATION
    return None


def refusal(endpoint: Endpoint | None, reason: Reason) -> Json | None:
    """Return the endpoint's safe answer; `reason` is an envelope key that Pexip ignores and logs."""
    body = pexip.SAFE_ANSWERS[endpoint] if endpoint else pexip.REJECT
    return None if body is None else {**body, "reason": reason.code}


def _parameters(raw_query: str) -> Mapping[str, tuple[str, ...]] | None:
    """Decode the query; None where it cannot be decoded. Repeated parameters are kept, in order."""
    try:
        pairs = parse_qsl(raw_query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return None
    params: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        params[name] = (*params.get(name, ()), value)
    return params


class PexipAnswers:
    """The answering side: what the rooms can keep people from, and how a decision is said."""

    def __init__(self, *, rooms: PexipRooms, settings: PexipSettings) -> None:
        self._rooms = rooms
        self._settings = settings

    def honour(self, join: JoinRequest, decision: Decision) -> Decision:
        return pexip_answers.honour(join, decision, rooms=self._rooms)

    def write(self, join: JoinRequest, decision: Decision, *, decision_id: str, trace_id: str) -> Json:
        body = pexip_answers.write(
            join,
            decision,
            rooms=self._rooms,
            decision_id=decision_id,
            random_pin=random_pin,
            settings=self._settings,
        )
        return {**body, "trace_id": trace_id}

    def told(self, join: JoinRequest, decision: Decision) -> str:
        return pexip_answers.told(join, decision, settings=self._settings)


def random_pin(length: int) -> str:
    """Draw a PIN that nobody is told."""
    return "".join(secrets.choice(_DIGITS) for _ in range(length))
