"""Groups that a token does not tell, asked for at services that speak the vendors' documented words."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from idp_adapters.entra_groups import Graph
from idp_adapters.entra_groups import service as entra_service
from idp_adapters.google_groups import GRANT, SCOPE, AdminDirectory, ServiceAccount
from idp_adapters.google_groups import service as google_service
from plugin.core.errors import Refused, Unavailable
from plugin.core.finding import Proven
from plugin.core.identity import GroupsGap, Identity
from plugin.core.reasons import Reason
from plugin.flow.circuit import LONGEST_WAIT
from plugin.flow.group_lookup import GroupLookup, with_groups
from plugin.group_ports import GroupService, GroupSettings
from plugin.policy.judge import judge
from plugin.ports import IdpSettings
from plugin.shell.fetch import HttpFetch
from tests.fakes import HandClock
from tests.flow.recorded import IDENTITY
from tests.policy.people import ACME, FACTS, bundle, codes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OID = "690222be-ff1a-4d56-abd1-7e4f7d38e474"
ANOTHER = "11111111-ff1a-4d56-abd1-7e4f7d38e474"
SUB = "103547991597142817347"
SECRET = "correct horse battery staple"
KEY = RSAKey.generate_key(2048)
GROUPS = ["0a0a0a0a-0000-4000-8000-000000000001", "0a0a0a0a-0000-4000-8000-000000000002"]
ISSUER = "https://login.microsoftonline.com/0f3c4b1e-7a57-4b4e-9d4e-5b7c2d1e8a90/v2.0"

SETTINGS = IdpSettings(issuer=ISSUER, audience=frozenset({"app"}), algorithms=frozenset({"RS256"}), org="acme")


@dataclass(slots=True, kw_only=True)
class Service:
    """A vendor's service. `answer` is what its groups are answered with; `asked` are the questions that came."""

    url: str = ""
    answer: Handler | None = None
    token_status: int = 200
    tokens: list[Mapping[str, list[str]]] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Service"]:
        app = web.Application()
        app.add_routes([web.post("/token", self._token), web.route("*", "/{rest:.*}", self._groups)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        self.let_go.set()
        await runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        self.tokens.append(parse_qs((await request.read()).decode()))
        body = {"access_token": f"token-{len(self.tokens)}", "token_type": "Bearer", "expires_in": 3600}
        return web.json_response(body, status=self.token_status)

    async def _groups(self, request: web.Request) -> web.StreamResponse:
        line = f"{request.method} {request.path_qs}"
        self.asked.append((line, request.headers.get("Authorization", ""), await request.text()))
        return await self.answer(request) if self.answer else web.json_response({"value": GROUPS})

    async def hang(self, _request: web.Request) -> web.Response:
        await self.let_go.wait()
        return web.Response()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service().running() as running:
        yield running


@asynccontextmanager
async def looking(service: GroupService, *, clock: HandClock | None = None) -> AsyncIterator[GroupLookup]:
    fetch = HttpFetch(hosts=frozenset({"127.0.0.1"}), timeout=1.0)
    clock = clock or HandClock()
    lookup = GroupLookup(service, issuer=ISSUER, exchange=fetch.ask, clock=clock, kept=timedelta(minutes=5))
    yield lookup
    await lookup.close()
    await fetch.close()


def graph(service: Service) -> Graph:
    settings = GroupSettings(account="our-app", secret=SECRET)
    return Graph(settings=settings, token_url=f"{service.url}/token", graph=service.url)


def google(service: Service) -> AdminDirectory:
    account = ServiceAccount(email="vestibule@acme.iam.example", key=KEY)
    return AdminDirectory(
        account=account, admin="admin@acme.example", token_url=f"{service.url}/token", url=f"{service.url}/groups"
    )


def saying(value: object) -> Handler:
    text = value if isinstance(value, str) else json.dumps(value)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    return answer


def with_status(code: int, **headers: str) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=code, text="{}", headers=headers)

    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def told(lookup: GroupLookup, subject: str = OID) -> frozenset[str]:
    return (await lookup.groups(subject)).groups


async def refusal(service: Service, subject: str = OID) -> Reason:
    async with looking(graph(service)) as lookup:
        with pytest.raises((Refused, Unavailable)) as failure:
            await lookup.groups(subject)
    assert SECRET not in str(failure.value)
    assert "token-1" not in str(failure.value)
    return failure.value.reason


async def test_graph_is_asked_as_microsoft_documents_it(service: Service) -> None:
    async with looking(graph(service)) as lookup:
        assert await told(lookup) == set(GROUPS)

    form = {"grant_type": "client_credentials", "client_id": "our-app", "client_secret": SECRET}
    assert service.tokens == [{name: [text] for name, text in form.items()} | {"scope": [f"{service.url}/.default"]}]
    line = f"POST /v1.0/users/{OID}/getMemberGroups"
    assert service.asked == [(line, "Bearer token-1", '{"securityEnabledOnly": false}')]


async def test_google_is_asked_page_by_page_in_an_administrators_name(service: Service) -> None:
    async def answer(request: web.Request) -> web.Response:
        if "pageToken" in request.query:
            return web.json_response({"groups": [{"id": "2", "email": "Staff@acme.example"}]})
        return web.json_response({"groups": [{"id": "1", "email": "board@acme.example"}], "nextPageToken": "ab"})

    service.answer = answer
    async with looking(google(service)) as lookup:
        assert await told(lookup, SUB) == {"board@acme.example", "staff@acme.example"}

    first = f"GET /groups?userKey={SUB}&maxResults=200"
    assert [line for line, _, _ in service.asked] == [first, f"{first}&pageToken=ab"]
    (form,) = service.tokens
    assert form["grant_type"] == [GRANT]
    claims = jwt.decode(form["assertion"][0], KEY).claims
    assert (claims["sub"], claims["scope"], claims["aud"]) == ("admin@acme.example", SCOPE, f"{service.url}/token")


async def test_google_tells_somebody_without_groups_by_saying_nothing(service: Service) -> None:
    service.answer = saying({"kind": "admin#directory#groups"})
    async with looking(google(service)) as lookup:
        assert await told(lookup, SUB) == set()


async def test_an_answer_counts_for_its_time_and_a_token_for_its_own(service: Service) -> None:
    clock = HandClock()
    async with looking(graph(service), clock=clock) as lookup:
        await lookup.groups(OID)
        await lookup.groups(OID)
        assert len(service.asked) == 1
        clock.move(minutes=6)
        await lookup.groups(OID)
        assert (len(service.asked), len(service.tokens)) == (2, 1)
        clock.move(hours=1)
        await lookup.groups(OID)
        assert (len(service.asked), len(service.tokens)) == (3, 2)


FAULTS: dict[str, tuple[Handler, Reason]] = {
    "busy": (with_status(429, **{"Retry-After": "10"}), Reason.GROUPS_UNREACHABLE),
    "failing": (with_status(503), Reason.GROUPS_UNREACHABLE),
    "not permitted": (with_status(403), Reason.GROUPS_UNKNOWN_PERSON),
    "token not taken": (with_status(401), Reason.GROUPS_MISCONFIGURED),
    "too many groups for it to tell": (with_status(400), Reason.GROUPS_UNKNOWN_PERSON),
    "more groups than are judged": (saying({"value": [f"g{n}" for n in range(1_001)]}), Reason.GROUPS_UNKNOWN_PERSON),
    "a group of a long name": (saying({"value": ["g" * 256]}), Reason.GROUPS_UNKNOWN_PERSON),
    "redirecting": (with_status(302, Location="http://127.0.0.1:1/groups"), Reason.GROUPS_MISCONFIGURED),
    "endless": (endless, Reason.GROUPS_MISCONFIGURED),
    "garbage": (saying("not JSON"), Reason.GROUPS_MISCONFIGURED),
    "a list": (saying([]), Reason.GROUPS_MISCONFIGURED),
    "without groups": (saying({}), Reason.GROUPS_MISCONFIGURED),
    "groups of another type": (saying({"value": "staff"}), Reason.GROUPS_MISCONFIGURED),
    "a group of another type": (saying({"value": ["staff", 7]}), Reason.GROUPS_MISCONFIGURED),
    "a link to more": (saying({"value": [], "@odata.nextLink": "http://127.0.0.1:1/x"}), Reason.GROUPS_MISCONFIGURED),
    "groups twice": (saying('{"value": ["board"], "value": []}'), Reason.GROUPS_MISCONFIGURED),
    "a person whom nobody knows": (with_status(404), Reason.GROUPS_UNKNOWN_PERSON),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_service_that_fails_tells_no_groups_and_says_whose_fault_it_is(
    service: Service, fault: Handler, reason: Reason
) -> None:
    service.answer = fault

    assert await refusal(service) is reason


async def test_a_service_that_hangs_is_waited_for_no_longer_than_its_share(service: Service) -> None:
    service.answer = service.hang

    assert await refusal(service) is Reason.GROUPS_UNREACHABLE


@pytest.mark.parametrize(("code", "reason"), [(400, Reason.GROUPS_MISCONFIGURED), (500, Reason.GROUPS_UNREACHABLE)])
async def test_an_account_that_gets_no_token_asks_for_nobody(service: Service, code: int, reason: Reason) -> None:
    service.token_status = code

    assert await refusal(service) is reason
    assert service.asked == []


async def test_pages_without_end_are_not_read_to_their_end(service: Service) -> None:
    service.answer = saying({"groups": [{"email": "board@acme.example"}], "nextPageToken": "again"})
    async with looking(google(service)) as lookup:
        with pytest.raises(Refused):
            await lookup.groups(SUB)

    assert len(service.asked) == 5


async def test_a_service_that_fails_is_left_alone_and_asked_again_later(service: Service) -> None:
    clock = HandClock()
    service.answer = with_status(503)
    async with looking(graph(service), clock=clock) as lookup:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await lookup.groups(OID)
        assert len(service.asked) == 1

        service.answer = None
        clock.move(seconds=LONGEST_WAIT.total_seconds())
        assert await told(lookup) == set(GROUPS)


async def test_a_token_that_was_withdrawn_is_replaced(service: Service) -> None:
    clock = HandClock()
    service.answer = with_status(401)
    async with looking(graph(service), clock=clock) as lookup:
        with pytest.raises(Unavailable):
            await lookup.groups(OID)
        service.answer = None
        clock.move(seconds=LONGEST_WAIT.total_seconds())

        await lookup.groups(OID)

    assert service.asked[-1][1] == "Bearer token-2"


def person(**changes: Any) -> Identity:
    return replace(IDENTITY, issuer=ISSUER, subject=OID, **changes)


async def test_what_a_token_tells_is_not_looked_up(service: Service) -> None:
    told = person(groups=frozenset({"staff"}))
    async with looking(graph(service)) as lookup:
        assert await with_groups(told, lookups={ISSUER: lookup}) == told

    assert service.tokens == []


async def test_groups_that_nobody_could_look_up_stay_unknown_and_it_is_said_why(service: Service) -> None:
    service.answer = with_status(503)
    async with looking(graph(service)) as lookup:
        somebody = await with_groups(person(), lookups={ISSUER: lookup})

    assert (somebody.groups, somebody.groups_gap) == (None, GroupsGap.UNREACHABLE)


async def test_groups_are_looked_up_for_people_of_this_provider_alone(service: Service) -> None:
    async with looking(graph(service)) as lookup:
        stranger = await with_groups(person(), lookups={"https://other.example": lookup})
        somebody = await with_groups(person(), lookups={ISSUER: lookup})

    assert (stranger.groups, somebody.groups) == (None, frozenset(GROUPS))


@pytest.mark.parametrize(
    ("issuer", "hosts"),
    [
        (f"https://login.microsoftonline.com/{OID}/v2.0", {"login.microsoftonline.com", "graph.microsoft.com"}),
        (f"https://sts.windows.net/{OID}/", {"login.microsoftonline.com", "graph.microsoft.com"}),
        (f"https://login.microsoftonline.us/{OID}/v2.0", {"login.microsoftonline.us", "graph.microsoft.us"}),
    ],
)
def test_a_tenant_is_asked_about_in_its_own_cloud(issuer: str, hosts: set[str]) -> None:
    built = entra_service(replace(SETTINGS, issuer=issuer), GroupSettings(account="our-app", secret=SECRET))

    assert built.hosts == hosts
    assert f"/{OID}/" in built.for_token(now=HandClock()()).url


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        "[]",
        json.dumps({"type": "authorized_user", "client_email": "a@b", "private_key": "x"}),
        json.dumps({"type": "service_account", "client_email": "a@b", "private_key": SECRET}),
    ],
)
def test_what_is_no_key_of_a_service_account_builds_nothing_and_is_not_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="service account") as problem:
        google_service(SETTINGS, GroupSettings(account="admin@acme.example", secret=secret))

    assert SECRET not in str(problem.value)


def test_the_key_file_that_google_hands_out_signs() -> None:
    key_file = {
        "type": "service_account",
        "client_email": "v@acme.iam.example",
        "private_key": KEY.as_pem(private=True).decode(),
    }

    built = google_service(SETTINGS, GroupSettings(account="admin@acme.example", secret=json.dumps(key_file)))

    assert built.hosts == {"oauth2.googleapis.com", "admin.googleapis.com"}
    assert SECRET not in repr(built)
    assert KEY.as_pem(private=True).decode()[40:60] not in repr(built)


def test_a_policy_that_asks_for_groups_says_why_they_are_not_known() -> None:
    untold = replace(person(), issuer=ACME, org="acme", groups_gap=GroupsGap.UNREACHABLE)
    permit = '@id("staff") permit (principal in Group::"staff", action, resource);'

    decision = judge(bundle(permit), replace(FACTS, identity=Proven(value=untold)))

    assert Reason.GROUPS_UNREACHABLE.code in codes(decision)
