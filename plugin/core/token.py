"""Kinds of tokens, and what a provider's access tokens have to be for."""

from dataclasses import dataclass
from enum import Enum


class TokenKind(Enum):
    """What a token is: who somebody is told to a client, or what a client may do for them. Told only by the token."""

    ID = "id"
    ACCESS = "access"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """What access tokens of one provider have to be for. `scope` empty = any.

    `resource` is how this house is called at the provider (RFC 8707): in `aud`, and never the id of a client.
    """

    resource: str
    scope: str = ""
