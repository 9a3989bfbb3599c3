"""The groups of a Google Workspace's people: Admin SDK Directory API, by their addresses. Nested ones are not told.

It must never ask for anybody by an address: the immutable id is what `sub` holds. As in
developers.google.com/workspace/admin/directory/reference/rest/v1/groups/list and
developers.google.com/identity/protocols/oauth2/service-account.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import RSAKey

from idp_adapters._group_service import ask_as, ask_for_token
from plugin.group_ports import Ask, GroupService, GroupSettings, Page
from plugin.ports import IdpSettings, Json

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
GROUPS_URL = "https://admin.googleapis.com/admin/directory/v1/groups"
SCOPE = "https://www.googleapis.com/auth/admin.directory.group.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = timedelta(minutes=5)
PAGE = 200


def service(_settings: IdpSettings, groups: GroupSettings) -> GroupService:
    """Build the service. Raises ValueError where the secret is no key file of a service account."""
    return AdminDirectory(account=_account(groups.secret), admin=groups.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """Who signs our questions."""

    email: str
    key: RSAKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminDirectory:
    """`admin` is the administrator in whose name the service account asks (domain-wide delegation)."""

    account: ServiceAccount
    admin: str
    token_url: str = TOKEN_URL
    url: str = GROUPS_URL

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(urlsplit(url).hostname or "" for url in (self.token_url, self.url))

    def for_token(self, *, now: datetime) -> Ask:
        claims = {
            "iss": self.account.email,
            "sub": self.admin,
            "scope": SCOPE,
            "aud": self.token_url,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
        }
        assertion = jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, self.account.key)
        return ask_for_token(self.token_url, {"grant_type": GRANT, "assertion": assertion})

    def for_groups(self, subject: str, *, token: str) -> Ask:
        return self._page(subject, token=token, page=None)

    def read(self, answer: Json, *, subject: str, token: str) -> Page:
        groups = answer.get("groups", [])  # absent where there are none
        if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
            raise ValueError("got no list of groups in `groups`")
        addresses = [group.get("email") for group in groups]
        if not all(isinstance(address, str) and address for address in addresses):
            raise ValueError("got a group without text in `email`")
        page = answer.get("nextPageToken")
        if page is not None and (not isinstance(page, str) or not page):
            raise ValueError("got no text in `nextPageToken`")
        more = self._page(subject, token=token, page=page) if page else None
        return Page(groups=frozenset(str(address).lower() for address in addresses), more=more)

    def _page(self, subject: str, *, token: str, page: str | None) -> Ask:
        parameters = {"userKey": subject, "maxResults": str(PAGE), **({"pageToken": page} if page else {})}
        return ask_as(token, url=f"{self.url}?{urlencode(parameters)}")


def _account(secret: str) -> ServiceAccount:
    try:
        key_file = json.loads(secret)
    except ValueError:
        key_file = None
    match key_file:
        case {"type": "service_account", "client_email": str(email), "private_key": str(private_key)}:
            return ServiceAccount(email=email, key=_key(private_key))
    raise ValueError("got no key file of a Google service account in the secret (JSON, `type` = `service_account`)")


def _key(pem: str) -> RSAKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("got no RSA key in `private_key` of the service account")  # noqa: TRY004 - a fault of the text
    return RSAKey.import_key(pem)
