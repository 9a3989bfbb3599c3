"""Why there is no answer. Each of these means that nobody is admitted: it is raised where a decision would stand.

They say what was got and what was expected, and never repeat what was sent or answered.
"""


class NoAnswer(Exception):
    """There is no decision. Whoever catches this refuses the participant."""


class NotReached(NoAnswer):
    """The service did not answer: no connection, no valid certificate, not in time, or an error of its own."""


class NotUnderstood(NoAnswer):
    """Something answered in another form than the one that is known here, or too late to be used."""


class NotAccepted(NoAnswer):
    """The service takes the request itself for a mistake: fix the program or its configuration.

    `status` is 400, 401, 403 or another 4xx; `field` the member at fault, empty where it is none. `message` is the
    service's own sentence for developers. It may quote what was sent: log it with care.
    """

    def __init__(self, *, status: int, field: str, message: str) -> None:
        place = f" for `{field}`" if field else ""
        super().__init__(f"got status {status}{place}, expected an answer")
        self.status = status
        self.field = field
        self.message = message
