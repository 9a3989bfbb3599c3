"""Every reason a decision can have: a closed list of codes, each with one sentence for the person.

A sentence never holds a secret, a rule's name, or anything that the person presented. Operators get
details from the trace and the decision record, not from here.
"""

from enum import Enum


class Reason(Enum):
    """`code` is stable and in kebab-case; `sentence` may be shown to the person as it is."""

    # admitted
    PERMITTED = ("permitted", "You may join.")
    SEATED_OUTSIDE = ("seated-outside", "This meeting includes people from outside, so it is held in a MeetMe zone.")
    INNER_ZONE_REFUSED = (
        "inner-zone-refused",
        "You join in a MeetMe zone, apart from the room in which this meeting is held.",
    )

    # judgement
    NO_PERMIT = ("no-permit", "You are not admitted to this conference.")
    FORBIDDEN = ("forbidden", "A rule of the organisation does not allow you to join.")
    STEP_UP = ("step-up", "Please sign in again, then join.")
    GUESTS_NOT_CHOSEN = ("guests-not-chosen", "This conference does not take guests. Please sign in.")
    CONFERENCE_UNKNOWN = ("conference-unknown", "There is no such conference here.")
    ROOM_UNKNOWN = ("room-unknown", "There is no such room in this conference.")
    GROUPS_NOT_TOLD = ("groups-not-told", "Your organisation's sign-in service did not tell which groups you are in.")
    GROUPS_UNREACHABLE = (
        "groups-unreachable",
        "Nobody could ask your organisation which groups you are in. Please try later.",
    )
    GROUPS_MISCONFIGURED = ("groups-misconfigured", "Your organisation does not let us ask which groups you are in.")
    GROUPS_UNKNOWN_PERSON = ("groups-unknown-person", "Your organisation does not know which groups you are in.")
    APART = ("apart", "You could only join apart from the others, which this conference does not allow.")
    OPEN_ELSEWHERE = ("open-elsewhere", "This conference is open to you in another place.")
    SIGN_IN_AT_PLATFORM = ("sign-in-at-platform", "Please sign in when the meeting asks you to.")
    POLICY_ERROR = ("policy-error", "The rules could not be evaluated, so nobody is admitted.")
    PLATFORM_CANNOT_HONOUR = ("platform-cannot-honour", "The room cannot be given the restrictions that you need.")

    # identity: looked, and it is bad
    TOKEN_MALFORMED = ("token-malformed", "Your sign-in could not be read.")
    TOKEN_TOO_LARGE = ("token-too-large", "Your sign-in could not be read.")
    TOKEN_HEADER = ("token-header", "Your sign-in uses a form that is not accepted.")
    TOKEN_ALGORITHM = ("token-algorithm", "Your sign-in uses a signature that is not accepted.")
    TOKEN_TYPE = ("token-type", "What was presented is not a sign-in.")
    TOKEN_KEY = ("token-key", "Your sign-in was not signed by your organisation.")
    TOKEN_SIGNATURE = ("token-signature", "Your sign-in was not signed by your organisation.")
    TOKEN_ISSUER = ("token-issuer", "Your sign-in comes from an organisation that is not known here.")
    TOKEN_AUDIENCE = ("token-audience", "Your sign-in was made for another service.")
    TOKEN_AUTHORIZED_PARTY = ("token-authorized-party", "Your sign-in was made for another service.")
    TOKEN_EXPIRED = ("token-expired", "Your sign-in has expired. Please sign in again.")
    TOKEN_NOT_YET_VALID = ("token-not-yet-valid", "Your sign-in is not valid yet.")
    TOKEN_LIFETIME = ("token-lifetime", "Your sign-in is valid for longer than is accepted.")
    TOKEN_CLAIM = ("token-claim", "Your sign-in lacks something that is needed.")
    TOKEN_CONFIRMATION = ("token-confirmation", "Your sign-in is bound to a key in a way that is not accepted here.")
    DPOP_PROOF = ("dpop-proof", "The proof that goes with your sign-in is not accepted.")
    TOKEN_NONCE = ("token-nonce", "Your sign-in was not made for this meeting.")
    TOKEN_STALE = ("token-stale", "Your sign-in is too old to be used without a device proof.")
    TOKEN_REPLAYED = ("token-replayed", "Your sign-in has been used already.")
    SIGNED_OUT = ("signed-out", "You have signed out. Please sign in again.")

    # the platform's word: looked, and it is bad
    PLATFORM_IDP = ("platform-idp", "The meeting platform signed you in with a service that is not known here.")
    PLATFORM_SUBJECT = ("platform-subject", "The meeting platform did not tell who you are.")
    PLATFORM_CONFLICT = ("platform-conflict", "The meeting platform signed you in as somebody else.")
    PROOF_ON_TRUNK = ("proof-on-trunk", "You cannot sign in through a gateway or a room system.")

    # device: looked, and it is bad
    EVIDENCE_MALFORMED = ("evidence-malformed", "The proof of your device could not be read.")
    EVIDENCE_FORMAT = ("evidence-format", "This kind of device proof is not accepted here.")
    EVIDENCE_CHALLENGE = ("evidence-challenge", "The proof of your device was not made for this meeting, or too late.")
    EVIDENCE_CHAIN = ("evidence-chain", "Your device's certificate was not issued by your organisation.")
    EVIDENCE_EXPIRED = ("evidence-expired", "Your device's certificate is not valid today.")
    EVIDENCE_KEY = ("evidence-key", "Your device's key is of a kind that is not accepted.")
    EVIDENCE_SIGNATURE = ("evidence-signature", "The proof of your device is not genuine.")
    EVIDENCE_REVOKED = ("evidence-revoked", "Your device's certificate was revoked.")
    EVIDENCE_AUDIENCE = ("evidence-audience", "The proof of your device was made for another service or app.")
    EVIDENCE_STATE = ("evidence-state", "Your device is not in the state that is required.")
    EVIDENCE_COUNTER = ("evidence-counter", "The key of your device seems to have been copied.")
    EVIDENCE_CONFLICT = ("evidence-conflict", "Two proofs of your device contradict each other.")
    DEVICE_OWNER = ("device-owner", "This device belongs to somebody else.")

    # an enrolled device, or one that wants to be
    DEVICE_UNKNOWN = ("device-unknown", "This device is not enrolled. Please enrol it first.")
    DEVICE_PENDING = ("device-pending", "This device's enrolment has not been approved yet.")
    DEVICE_REVOKED = ("device-revoked", "This device's enrolment was revoked. Please ask your administrator.")
    DEVICE_LOST = ("device-lost", "This device was reported lost. Please ask your administrator.")
    DEVICE_EXPIRED = ("device-expired", "This device's enrolment has expired. Please enrol it again.")
    DEVICE_REATTEST = ("device-reattest", "This device has to prove anew what it is. Please enrol it again.")
    DEVICE_CLONED = ("device-cloned", "This device's key seems to have been copied. Please ask your administrator.")
    DEVICE_SYNCED = ("device-synced", "This passkey is shared between devices, so it does not stand for one.")
    DEVICE_ENROLLED = ("device-enrolled", "This device is enrolled already.")
    DEVICES_TOO_MANY = ("devices-too-many", "You have enrolled as many devices as you may. Please remove one first.")
    LOGIN_STALE = ("login-stale", "Please sign in anew to enrol or change a device.")
    SIGN_IN_UNKNOWN = ("sign-in-unknown", "This sign-in was begun elsewhere, or is over. Please sign in again.")
    INVITATION_NEEDED = ("invitation-needed", "A device can be enrolled here by invitation only.")
    INVITATION_REFUSED = ("invitation-refused", "This invitation is unknown, used, expired, or somebody else's.")
    INVENTORY_OWNER = ("inventory-owner", "This device is listed as somebody else's.")

    # ticket: looked, and it is bad
    TICKET_MALFORMED = ("ticket-malformed", "Your ticket could not be read. Please start again.")
    TICKET_UNKNOWN = ("ticket-unknown", "Your ticket is unknown or has expired. Please start again.")
    TICKET_CONFERENCE = ("ticket-conference", "Your ticket is for another conference.")
    TICKET_SPENT = ("ticket-spent", "Your ticket has been used already. Please start again.")
    TICKET_ORDER = ("ticket-order", "Your ticket was presented out of turn. Please start again.")

    # registration of a device
    REGISTRATION_KNOWN = ("registration-known", "This device may register.")
    REGISTRATION_LEFT = ("registration-left", "The platform decides by itself whether this device may register.")
    REGISTRATION_UNKNOWN = ("registration-unknown", "This device is not known here.")
    REGISTRATION_PLACE = ("registration-place", "This device may not register from here.")
    REGISTRATION_AUTH = ("registration-auth", "This device may not register in this way.")

    # could not look
    NOTHING_PRESENTED = ("nothing-presented", "Please sign in to join.")
    IDP_UNREACHABLE = ("idp-unreachable", "Your organisation's sign-in service does not answer. Please try later.")
    IDP_MISCONFIGURED = ("idp-misconfigured", "Your organisation's sign-in service is not set up for this.")
    REVOCATION_UNKNOWN = (
        "revocation-unknown",
        "Nobody could say whether your device's certificate was revoked. Please try later.",
    )
    STORE_UNAVAILABLE = ("store-unavailable", "The admission service cannot keep its records. Please try later.")
    DEADLINE = ("deadline", "Your request could not be checked in time. Please try again.")
    ABANDONED = ("abandoned", "Whoever asked did not wait for the answer, so nobody was admitted.")
    INTERNAL_ERROR = ("internal-error", "The admission service failed. Please try later.")

    # at the border
    CALLER_UNAUTHENTICATED = ("caller-unauthenticated", "The platform did not authenticate itself.")
    REQUEST_MALFORMED = ("request-malformed", "The request could not be read.")
    NOT_SERVING = ("not-serving", "The admission service is starting or stopping. Please try again.")
    OVERLOADED = ("overloaded", "The admission service is busy. Please try again.")
    PROBE = ("probe", "This was a question about existence, not a join.")

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence
