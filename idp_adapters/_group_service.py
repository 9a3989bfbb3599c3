"""What the vendors' services of groups have in common: how a question is written, and a list of texts read."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from plugin.group_ports import Ask
from plugin.ports import Json

JSON = {"Accept": "application/json"}


def ask_for_token(url: str, form: Mapping[str, str]) -> Ask:
    """Write a question to a token endpoint (RFC 6749 3.2)."""
    headers = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}
    return Ask(url=url, headers=headers, body=urlencode(form).encode())


def ask_as(token: str, *, url: str, body: Json | None = None) -> Ask:
    """Write a question with an access token (RFC 6750 2.1)."""
    headers = {**JSON, "Authorization": f"Bearer {token}"}
    if body is None:
        return Ask(url=url, headers=headers)
    return Ask(url=url, headers={**headers, "Content-Type": "application/json"}, body=json.dumps(body).encode())


def texts_in(answer: Json, name: str) -> list[str]:
    """Read a list of texts. Raises ValueError."""
    value = answer.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError(f"got no list of texts in `{name}`")
    return value
