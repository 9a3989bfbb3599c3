"""Ask Vestibule whether somebody may join: a typed, asynchronous client for conferencing platforms.

    async with Vestibule("https://vestibule.example.com", token=token, enforces={Capability.PRESENT}) as vestibule:
        try:
            answer = await vestibule.join("board", id_token=id_token, participant=Participant(protocol="webrtc"))
        except NoAnswer:
            refuse()
        match answer: ...

It imports nothing of the service, and is versioned with it.
"""

from vestibule.answers import (
    Allowed,
    Answer,
    Capability,
    Challenge,
    Denied,
    OpenElsewhere,
    Reason,
    Redirected,
    Remedy,
    StepUp,
)
from vestibule.client import Vestibule
from vestibule.failures import NoAnswer, NotAccepted, NotReached, NotUnderstood
from vestibule.questions import Evidence, Participant

__all__ = [
    "Allowed",
    "Answer",
    "Capability",
    "Challenge",
    "Denied",
    "Evidence",
    "NoAnswer",
    "NotAccepted",
    "NotReached",
    "NotUnderstood",
    "OpenElsewhere",
    "Participant",
    "Reason",
    "Redirected",
    "Remedy",
    "StepUp",
    "Vestibule",
]
