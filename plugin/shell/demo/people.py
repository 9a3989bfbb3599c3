"""The people of the demo: who they are, what they come with, and what is to become of them and why.

Acme's CA has certified all their laptops: Dan's is on loan to him, and Frank's belongs to nobody.

The expectations are here to be compared with what happens. Nothing else reads them.
"""

from dataclasses import dataclass
from enum import Enum

from plugin.core.reasons import Reason


class SignIn(Enum):
    """How somebody comes by an ID token."""

    NOW = "signs in now"
    HOURS_AGO = "signed in nine hours ago"
    STOLEN = "has Alice's ID token"
    NOT = "does not sign in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of somebody. `zone` and `role` None = nowhere; `chair` is a Host."""

    outcome: str
    zone: str | None
    role: str | None
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who wants to join. `device` is the name in their laptop's certificate, None where it has none.

    `own_laptop` is the one that belongs to them, whether they bring it or not. `expected` None = nobody can know.
    """

    name: str
    who: str
    org: str | None
    subject: str
    groups: tuple[str, ...]
    sign_in: SignIn
    own_laptop: str
    device: str | None
    conference: str
    expected: Fate | None
    story: str


ALICE = Person(
    name="Alice",
    who="employee and host",
    org="acme",
    subject="u-1001",
    groups=("staff", "board"),
    sign_in=SignIn.NOW,
    own_laptop="laptop-1001.acme.example",
    device="laptop-1001.acme.example",
    conference="board",
    expected=Fate(outcome="allow", zone="core", role="chair", reason=Reason.PERMITTED),
    story="An employee on a laptop that her organisation manages, signed in with two factors a moment ago: "
    "the core opens, and she may host, since the conference names her.",
)
BOB = Person(
    name="Bob",
    who="employee",
    org="acme",
    subject="u-1002",
    groups=("staff",),
    sign_in=SignIn.NOW,
    own_laptop="laptop-1002.acme.example",
    device=None,
    conference="board",
    expected=Fate(outcome="redirect", zone="meetme", role="guest", reason=Reason.INNER_ZONE_REFUSED),
    story="An employee on a private laptop that proves nothing: the core stays shut, the MeetMe zone opens.",
)
CAROL = Person(
    name="Carol",
    who="signed in hours ago",
    org="acme",
    subject="u-1003",
    groups=("staff",),
    sign_in=SignIn.HOURS_AGO,
    own_laptop="laptop-1003.acme.example",
    device="laptop-1003.acme.example",
    conference="board",
    expected=Fate(outcome="deny", zone=None, role=None, reason=Reason.STEP_UP),
    story="An employee on a managed laptop whose sign-in is nine hours old, where eight are the most: "
    "she is asked to sign in again.",
)
DAN = Person(
    name="Dan",
    who="partner",
    org="partners",
    subject="p-2001",
    groups=("engineering",),
    sign_in=SignIn.NOW,
    own_laptop="laptop-2001.acme.example",
    device=None,
    conference="joint-review",
    expected=Fate(outcome="redirect", zone="meetme", role="guest", reason=Reason.SEATED_OUTSIDE),
    story="A partner, within the hours that were agreed: a meeting with people from outside is held in the "
    "MeetMe zone, where both sides meet and nobody from outside touches the core.",
)
EVE = Person(
    name="Eve",
    who="has Alice's sign-in",
    org="acme",
    subject="u-1005",
    groups=("staff",),
    sign_in=SignIn.STOLEN,
    own_laptop="laptop-1005.acme.example",
    device="laptop-1005.acme.example",
    conference="board",
    expected=Fate(outcome="deny", zone=None, role=None, reason=Reason.DEVICE_OWNER),
    story="A colleague with Alice's ID token, which is genuine and valid, and a managed laptop of her own: "
    "her laptop's signature proves that she is not Alice.",
)
FRANK = Person(
    name="Frank",
    who="guest",
    org=None,
    subject="",
    groups=(),
    sign_in=SignIn.NOT,
    own_laptop="laptop-spare.acme.example",
    device=None,
    conference="board",
    expected=Fate(outcome="deny", zone=None, role=None, reason=Reason.GUESTS_NOT_CHOSEN),
    story="A guest who presents nothing, at a conference whose owner has not chosen to take guests.",
)

# In the order of appearance: Alice comes before Eve, who has her token.
PEOPLE = (ALICE, BOB, CAROL, DAN, EVE, FRANK)
