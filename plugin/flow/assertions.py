"""People whom the platform has signed in: its word, mapped to identities of the configured providers.

Nobody here has seen a token of theirs. So this never says more than who they are and which groups they are in, and
that it is the platform that says so: `Provenance.PLATFORM`, at the lowest level.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plugin.core.errors import Refused
from plugin.core.finding import ABSENT, Finding, Gap, Unproven
from plugin.core.identity import Identity, Level, Provenance
from plugin.core.join import PlatformAsserted
from plugin.core.reasons import Reason
from plugin.core.trunks import TrunkEntry

# How long the platform's word is taken for: then the decision is due to be looked at again.
LIFETIME = timedelta(hours=1)
MAX_SUBJECT = 255
MAX_GROUPS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformIdp:
    """One `[[pexip.idp]]` table: a provider as the platform knows it, and whose people it signs in.

    `subject` and `groups` are names of attributes, in the folded spelling; `groups` None = the platform is not told.
    """

    id: str
    issuer: str
    org: str
    subject: str
    groups: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What the platform's word leads to: a call to its trunk, a sign-in (by the platform's name of the provider)."""

    trunks: tuple[TrunkEntry, ...] = ()
    idps: Mapping[str, PlatformIdp] = field(default_factory=dict)


async def read_assertion(asserted: PlatformAsserted, *, idps: Mapping[str, PlatformIdp], now: datetime) -> Identity:
    """Name the person whom the platform has signed in. Raises Refused where that is not clear."""
    idp = idps.get(asserted.idp)
    if idp is None:
        raise Refused(Reason.PLATFORM_IDP, "the provider is not among `[[pexip.idp]]`")
    subjects = asserted.attributes.get(idp.subject, ())
    if len(subjects) != 1 or not 0 < len(subjects[0]) <= MAX_SUBJECT or not _is_value(subjects[0]):
        detail = f"got {len(subjects)} values of the subject's attribute, expected one that is clear"
        raise Refused(Reason.PLATFORM_SUBJECT, detail)
    return Identity(
        issuer=idp.issuer,
        subject=subjects[0],
        org=idp.org,
        groups=_groups(asserted, idp=idp),
        level=Level.SIGNED_IN,
        acr=None,
        amr=(),
        auth_time=None,
        session_id=None,
        nonce=None,
        issued_at=now,
        expires_at=now + LIFETIME,
        provenance=Provenance.PLATFORM,
    )


def agree(identity: Finding[Identity], *, asserted: Finding[Identity]) -> Finding[Identity]:
    """Return what a ticket proves, refused where the platform has signed in anybody else. It never adds anything."""
    if isinstance(identity, Unproven) or asserted == ABSENT:
        return identity
    if isinstance(asserted, Unproven):
        return asserted
    if identity.value.key == asserted.value.key:
        return identity
    return Unproven(gap=Gap.REFUSED, reason=Reason.PLATFORM_CONFLICT)


def _groups(asserted: PlatformAsserted, *, idp: PlatformIdp) -> frozenset[str] | None:
    """Return the groups, None where nobody told: the platform drops an attribute that it has not been set up for."""
    groups = asserted.attributes.get(idp.groups, ()) if idp.groups else ()
    return frozenset(groups) if 0 < len(groups) <= MAX_GROUPS and all(map(_is_value, groups)) else None


def _is_value(text: str) -> bool:
    """Say whether a text can be one value. How Pexip writes several, or none, is documented nowhere.

    Its nodes are known to write `True` and `None`, as Python does: so a list may come as Python writes one.
    """
    return not text.startswith(("[", "(", "{")) and text.casefold() not in {"none", "null"}
