"""The line to the collector: each batch of spans gets one answer, of which nothing but the head is read.

A collector that answers without end, or by drips, would otherwise fill this process's memory until the kernel kills it,
and a platform that nobody answers admits by itself. It must never follow a redirection: spans go where they are
configured to go, and the headers with a key go along.
"""

from typing import Any

import requests
from requests.adapters import HTTPAdapter

REDIRECTIONS = range(300, 400)


class _HeadOnly(HTTPAdapter):
    """Hangs up when the head of an answer is there."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        answer = super().send(request, *args, **{**options, "stream": True})
        answer.close()
        # The exporter takes a redirection for a success.
        if answer.status_code in REDIRECTIONS:
            raise requests.TooManyRedirects
        return answer


def collector_line() -> requests.Session:
    """Make the session by which an exporter talks to its collector."""
    session, adapter = requests.Session(), _HeadOnly()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
