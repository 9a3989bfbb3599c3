"""Facts and bundles for tests: who asks, on what, from where, and by which policies."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from plugin.core.decision import Decision, Deny
from plugin.core.device import AttestationResult, Tier
from plugin.core.facts import Assurance, Conference, Facts, Trunk
from plugin.core.finding import ABSENT, Gap, Proven, Unproven
from plugin.core.identity import Identity, Level
from plugin.core.join import Network
from plugin.core.reasons import Reason
from plugin.policy.bundle import Bundle, compile_bundle
from plugin.policy.setting import Setting

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "policies"
TUESDAY = datetime(2026, 11, 24, 9, tzinfo=UTC)
ACME, PARTNERS = "https://sso.acme.example", "https://sso.partners.example"
SETTING = Setting(
    zones=("core", "meetme"),
    inside=frozenset({"core"}),
    house=frozenset({"acme"}),
    orgs=frozenset({"acme", "partners"}),
    issuers={ACME: "acme", PARTNERS: "partners"},
)
DATA = """
classifications = ["internal", "pii"]
[networks]
office = ["192.0.2.0/25"]
vpn = ["192.0.2.64/26", "192.0.2.192/26"]
[countries]
NO = ["192.0.2.0/24"]
KP = ["203.0.113.128/25"]
"""
PERMIT_ALL = '@id("all") permit (principal, action, resource);'
BOARD = Conference(
    name="board",
    zones=("core", "meetme"),
    classification="internal",
    owner=f"{ACME}#bob",
    hosts=frozenset(),
    invited=frozenset({"org:acme"}),
    guests=None,
)
ASSURANCES = (
    Assurance(acr="pwd", level=Level.SIGNED_IN),
    Assurance(acr="mfa", level=Level.MULTI_FACTOR),
    Assurance(acr="phr", level=Level.PHISHING_RESISTANT),
)
REFUSED = Unproven(gap=Gap.REFUSED, reason=Reason.TOKEN_SIGNATURE, detail="got `none`")
UNAVAILABLE = Unproven(gap=Gap.UNAVAILABLE, reason=Reason.IDP_UNREACHABLE)
AT_HOME = Network(address="192.0.2.7", located=True)


def shipped() -> dict[str, str]:
    """Read the texts of the example bundle."""
    return {path.relative_to(DEPLOY).as_posix(): path.read_text() for path in DEPLOY.rglob("*.*") if path.is_file()}


def bundle(*policies: str, data: str = DATA, setting: Setting = SETTING) -> Bundle:
    """Compile policies, each in a file of its own."""
    files = {f"{number:03}.cedar": policy for number, policy in enumerate(policies)}
    return compile_bundle({**files, "data.toml": data}, setting=setting)


def example() -> Bundle:
    return compile_bundle(shipped(), setting=SETTING)


def person(
    *,
    issuer: str = ACME,
    org: str = "acme",
    subject: str = "alice",
    groups: frozenset[str] | None = frozenset(),
    level: Level = Level.MULTI_FACTOR,
    mfa_age: timedelta | None = timedelta(hours=1),
) -> Proven[Identity]:
    identity = Identity(
        issuer=issuer,
        subject=subject,
        org=org,
        groups=groups,
        level=level,
        acr=None,
        amr=(),
        auth_time=None if mfa_age is None else TUESDAY - mfa_age,
        session_id=None,
        nonce=None,
        issued_at=TUESDAY,
        expires_at=TUESDAY + timedelta(hours=2),
    )
    return Proven(value=identity)


def partner(**changes: object) -> Proven[Identity]:
    return person(issuer=PARTNERS, org="partners", subject="paula", **changes)  # type: ignore[arg-type]  # names of fields


def device(
    *, owner: str | None = f"{ACME}#alice", tier: Tier = Tier.AFFIRMING, bound: bool = True, managed: bool = True
) -> Proven[AttestationResult]:
    result = AttestationResult(
        device_id="laptop",
        format="x509",
        tier=tier,
        bound=bound,
        managed=managed,
        owner=owner,
        appraised_by="x509",
        expires_at=TUESDAY + timedelta(hours=1),
    )
    return Proven(value=result)


FACTS = Facts(
    conference=BOARD,
    zone=None,
    protocol="webrtc",
    identity=person(),
    device=device(),
    trunk=None,
    network=AT_HOME,
    assurances=ASSURANCES,
    now=TUESDAY,
)
GUEST = replace(FACTS, identity=ABSENT, device=ABSENT, assurances=(), conference=replace(BOARD, guests=True))
GATEWAY = replace(FACTS, identity=ABSENT, device=ABSENT, assurances=(), trunk=Trunk(name="mcu", org="partners"))


def codes(decision: Decision) -> list[str]:
    return [reason.reason.code for reason in decision.reasons]


def policy_ids(decision: Decision) -> list[str]:
    return [policy.id for reason in decision.reasons for policy in reason.policies]


def is_denied(decision: Decision) -> bool:
    return isinstance(decision, Deny)
