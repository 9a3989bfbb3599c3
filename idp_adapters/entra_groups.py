"""The groups of Entra's people who have more than fit into a token: Microsoft Graph, by object ids, nested ones too.

It must never ask at an address that a token names: that one belongs to a service which is no more. As in
learn.microsoft.com: graph/api/directoryobject-getmembergroups, identity-platform/v2-oauth2-client-creds-grant-flow.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

from idp_adapters._group_service import ask_as, ask_for_token, texts_in
from plugin.group_ports import Ask, GroupService, GroupSettings, Page
from plugin.ports import IdpSettings, Json

# Cloud by the issuer's host: where its tokens are made, and its Graph.
CLOUDS = {
    "login.microsoftonline.com": ("login.microsoftonline.com", "graph.microsoft.com"),
    "sts.windows.net": ("login.microsoftonline.com", "graph.microsoft.com"),
    "login.microsoftonline.us": ("login.microsoftonline.us", "graph.microsoft.us"),
    "login.partner.microsoftonline.cn": ("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
    "sts.chinacloudapi.cn": ("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
}


def service(settings: IdpSettings, groups: GroupSettings) -> GroupService:
    """Build the service for one tenant. Raises ValueError for an issuer of no known cloud."""
    issuer = urlsplit(settings.issuer)
    if issuer.hostname not in CLOUDS:
        raise ValueError(f"got issuer `{settings.issuer}`, expected one of Entra's")
    login, graph = CLOUDS[issuer.hostname]
    tenant = issuer.path.split("/")[1]
    return Graph(settings=groups, token_url=f"https://{login}/{tenant}/oauth2/v2.0/token", graph=f"https://{graph}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """`graph` is its address, without a path. The application needs User.ReadBasic.All and GroupMember.Read.All."""

    settings: GroupSettings
    token_url: str
    graph: str

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(urlsplit(url).hostname or "" for url in (self.token_url, self.graph))

    def for_token(self, *, now: datetime) -> Ask:  # noqa: ARG002 - a secret needs no clock
        form = {
            "grant_type": "client_credentials",
            "client_id": self.settings.account,
            "client_secret": self.settings.secret,
            "scope": f"{self.graph}/.default",
        }
        return ask_for_token(self.token_url, form)

    def for_groups(self, subject: str, *, token: str) -> Ask:
        url = f"{self.graph}/v1.0/users/{quote(subject, safe='')}/getMemberGroups"
        # Groups of mail alone count too: a token tells them where the administrator asked for all.
        return ask_as(token, url=url, body={"securityEnabledOnly": False})

    def read(self, answer: Json, *, subject: str, token: str) -> Page:  # noqa: ARG002 - all come at once
        if "@odata.nextLink" in answer:
            raise ValueError("got a part of the groups, expected all of them at once")
        return Page(groups=frozenset(texts_in(answer, "value")))
