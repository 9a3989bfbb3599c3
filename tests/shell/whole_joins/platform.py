"""A conferencing platform in front of the running service: its configuration, its nodes, and those who call."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from plugin.shell.demo.node import Caller, Node, Outcome, SsoAccount
from plugin.shell.demo.node_rules import AVATAR, LOCATION, PARTICIPANT, SERVICE
from tests.shell.world import PASSWORD, REPOSITORY, World

IDP = "7d7e6a2c-0a2a-4a2c-9d51-2d5b3b7c7c11"
FOREIGN_IDP = "00000000-0a2a-4a2c-9d51-2d5b3b7c7c11"
TENANT = "11111111-2222-3333-4444-555555555555"
SSO_GROUP = "Corporate SSO"
HOST_PIN = "740218#"
GUEST_PIN = "5516#"

# In Norway and in Sweden, by the tables of the standard bundle.
HOME = "192.0.2.7"
CAFE = "198.51.100.9"
MCU = "198.51.100.20"
PROXY = "198.51.100.21"
TEAMS = "198.51.100.22"

APP = [SERVICE, SERVICE, SERVICE, PARTICIPANT, PARTICIPANT, LOCATION, AVATAR]
APP_WITH_SSO = [SERVICE, SERVICE, *APP]
DEVICE = [SERVICE, PARTICIPANT, LOCATION, AVATAR]

PEXIP = f"""
reject_reason = true
dead_man_script = true
unsafe_leave_to_platform = ["lobby"]
[[pexip.idp]]
uuid = "{IDP}"
issuer = "{{acme}}"
subject = "sub"
groups = "groups"
"""

CONFERENCES = """
[[conference]]
alias = "forum"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
hosts = ["{acme}#bob"]
invited = ["org:acme"]
sso_group = "Corporate SSO"
[[conference]]
alias = "council"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["group:council"]
sso_group = "Corporate SSO"
[[conference]]
alias = "bridge"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme", "trunk:partners-mcu", "trunk:partners-proxy", "trunk:partners-teams"]
[[conference]]
alias = "studio"
zones = ["core", "meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme", "trunk:boardroom"]
[[conference]]
alias = "hotline"
zones = ["meetme"]
classification = "internal"
owner = "{acme}#bob"
invited = ["org:acme"]
guests = true
[conference.pexip.meetme]
pin_file = "host.pin"
guest_pin_file = "guest.pin"
[[trunk]]
name = "partners-mcu"
kind = "gateway"
org = "partners"
networks = ["198.51.100.20/32"]
aliases = ["mcu@partners.example.net"]
[[trunk]]
name = "partners-proxy"
kind = "gateway"
org = "partners"
networks = ["198.51.100.21/32"]
asserted = ["*@partners.example.net"]
protocols = ["sip", "mssip"]
[[trunk]]
name = "partners-teams"
kind = "gateway"
org = "partners"
networks = ["198.51.100.22/32"]
teams_tenants = ["11111111-2222-3333-4444-555555555555"]
protocols = ["teams"]
[[trunk]]
name = "boardroom"
kind = "room-system"
org = "acme"
registrations = ["boardroom@example.com"]
"""

POLICIES = """
@id("core-for-room-systems")
permit (principal is RoomSystem in Org::"acme",
    action in [Action::"join", Action::"present", Action::"unmute", Action::"showName"], resource in Zone::"core")
when { context.join.invited };

@id("calls-out-where-guests-are-taken")
permit (principal == Gateway::"dial-out", action in [Action::"join", Action::"unmute"], resource in Zone::"meetme")
when { resource.conference has guests && resource.conference.guests };
"""


def configuration(folder: Path) -> dict[str, str]:
    """Write what the configuration names, and return the parts of it that are not in everybody's."""
    policies = folder / "policies"
    shutil.copytree(REPOSITORY / "deploy" / "policies", policies)
    (policies / "devices.cedar").write_text(POLICIES)
    (folder / "host.pin").write_text(HOST_PIN)
    (folder / "guest.pin").write_text(GUEST_PIN)
    return {"pexip": PEXIP, "conferences": CONFERENCES, "bundle": str(policies)}


def node_of(world: World, *, http: ClientSession | None = None, url: str = "", **options: Any) -> Node:
    """A node of the platform. Its administrator has configured the location and the group of providers."""
    return Node(
        http=http or world.session,
        policy_url=url or world.url,
        username="pexip",
        password=PASSWORD,
        configured=frozenset({SSO_GROUP, "Oslo"}),
        **options,
    )


@asynccontextmanager
async def proxy_before(world: World, *, losing: range) -> AsyncIterator[str]:
    """A proxy before the service that does not reach it for some of the questions, which are counted from 0."""
    turns = count()

    async def forward(request: web.Request) -> web.Response:
        if next(turns) in losing:
            raise web.HTTPBadGateway
        url = URL(world.url + request.raw_path, encoded=True)
        async with world.session.get(url, headers={"Authorization": request.headers["Authorization"]}) as answer:
            return web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)

    relay = web.Application()
    relay.router.add_get("/{path:.*}", forward)
    async with TestServer(relay) as running:
        yield str(running.make_url("")).rstrip("/")


def app(alias: str, **more: Any) -> Caller:
    return Caller(**{"alias": alias, "display_name": "Alice", "address": HOME, **more})


def device(alias: str, **more: Any) -> Caller:
    standard = {"display_name": "Reception", "address": CAFE, "remote_alias": "sip:room@elsewhere.example"}
    return Caller(**{"alias": alias, "protocol": "sip", "vendor": "Cisco/CE", **standard, **more})


def account(subject: str, *, idp: str = IDP, groups: tuple[str, ...] = ("staff",), name: str = "") -> SsoAccount:
    return SsoAccount(idp=idp, attributes={"sub": (subject,), "groups": groups}, display_name=name)


async def ticket(world: World, subject: str, *, conference: str = "board") -> str:
    """What the web client of somebody with a managed laptop gets for its proofs."""
    laptop = world.authority.device(subject)
    return await world.ticket(await world.proofs(conference, token=world.token(subject), device=laptop))


def questions(outcome: Outcome) -> list[str]:
    """The questions that were asked, in order. Those about avatars hold a name, and are cut short."""
    return [AVATAR if asked.question.startswith(AVATAR) else asked.question for asked in outcome.asked]
