"""The facts of an example case: from what a person writes in TOML to what the judge gets.

`now` is the moment. `conference` is an alias of the configuration, or a table of what differs from a plain one.
`principal` has a `type`, `orgs`, `groups`, and the `provenance` of that; `invited` and `host` make the conference's
lists: an entry for exactly this principal, or nothing (a table's own lists are added). A User may have `auth` (`level`,
`mfa_age`) and a `device` (`managed`, `compliant`, `attested`). The call comes from `address`, or from the first address
that data.toml knows in this `country` and these `networks`, else from DEFAULT_ADDRESS; `located` says whether that is
the caller's own. `protocol` and `zone` are as the platform tells them.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain

from plugin.core.address import read_address
from plugin.core.device import AttestationResult, Tier
from plugin.core.directory import Directory
from plugin.core.facts import Assurance, Conference, Facts, Line, Separate, Trunk
from plugin.core.finding import ABSENT, Finding, Proven
from plugin.core.identity import Identity, Level, Provenance
from plugin.core.join import Network
from plugin.policy.bundle import Bundle
from plugin.policy.data import Data
from plugin.policy.documents import Entry
from plugin.policy.durations import read_duration
from plugin.policy.principal import Kind
from plugin.policy.setting import Setting

_PLACE = ("address", "country", "networks", "located")
KEYS = ("now", "conference", "principal", "auth", "device", "protocol", "zone", *_PLACE)
DEFAULT_ADDRESS = "192.0.2.7"  # RFC 5737
DEFAULT_PROTOCOL = "webrtc"
# What the provider of a case can be asked for.
ASSURANCES = (
    Assurance(acr="mfa", level=Level.MULTI_FACTOR),
    Assurance(acr="phr", level=Level.PHISHING_RESISTANT),
)
_CASE = "case"
_PLAIN = Conference(
    name=_CASE,
    zones=(),
    classification="",
    owner="",
    hosts=frozenset(),
    invited=frozenset(),
    guests=None,
)
_SESSION = timedelta(hours=1)
_OLDEST = timedelta(days=366)
_YEARS = range(2000, 2100)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caller:
    """`entry` is how a conference's list names this one; None = it cannot."""

    identity: Identity | None = None
    trunk: Trunk | None = None
    entry: str | None = None


def read_facts(case: Entry, *, bundle: Bundle, directory: Directory, own_lists: bool = False) -> Facts:
    """Read the facts of one case. What is wrong is noted in its document, and the facts are then worth nothing.

    `own_lists` = a conference of the configuration keeps its lists, and `invited` and `host` add to them.
    """
    now = _read_now(case)
    caller = _read_caller(case, now=now, setting=bundle.setting)
    return Facts(
        conference=_read_conference(case, caller=caller, bundle=bundle, directory=directory, own_lists=own_lists),
        zone=case.value("zone", str, default="") if "zone" in case.table else None,
        protocol=case.value("protocol", str, default=DEFAULT_PROTOCOL),
        identity=Proven(value=caller.identity) if caller.identity else ABSENT,
        device=_read_device(case, owner=caller.identity, now=now),
        trunk=caller.trunk,
        network=_read_network(case, data=bundle.data),
        assurances=ASSURANCES if caller.identity else (),
        now=now,
    )


def _read_now(case: Entry) -> datetime:
    now = case.table.get("now")
    if isinstance(now, datetime) and now.tzinfo is not None and now.year in _YEARS:
        return now
    got = "nothing" if now is None else f"`{now}`"
    expected = f"of {_YEARS.start} to {_YEARS.stop - 1}, for example 2026-11-24T09:00:00Z"
    case.problem(f"`now` is not a moment with its offset: got {got}, expected one {expected}", near="now")
    return datetime(_YEARS.start, 1, 1, tzinfo=UTC)


def _read_caller(case: Entry, *, now: datetime, setting: Setting) -> _Caller:
    principal = case.entry("principal")
    principal.refuse_unknown("type", "orgs", "groups", "provenance", "invited", "host")
    kind = principal.value("type", str, default="")
    orgs = principal.names("orgs", among=setting.orgs)
    if kind != Kind.USER.value and {*case.table, *principal.table} & {"auth", "device", "groups"}:
        case.problem(f"only a User has `auth`, `device` and `groups`, not a `{kind}`", near="principal")
    match kind, orgs:
        case Kind.USER.value, (org,):
            identity = _read_identity(case, org=org, groups=principal.strings("groups"), now=now, setting=setting)
            return _Caller(identity=identity, entry=identity.key)
        case ((Kind.GATEWAY.value | Kind.ROOM_SYSTEM.value), (() | (_,))):
            line = Line.GATEWAY if kind == Kind.GATEWAY.value else Line.ROOM_SYSTEM
            known = _read_provenance(principal, among=(Provenance.NETWORK, Provenance.PLATFORM))
            trunk = Trunk(name=_CASE, org=next(iter(orgs), None), line=line, provenance=known)
            return _Caller(trunk=trunk, entry=f"org:{trunk.org}" if trunk.org else f"trunk:{_CASE}")
        case Kind.GUEST.value, ():
            return _Caller()
    expected = "expected a User of one, a Gateway or RoomSystem of one or none, a Guest of none"
    message = f"`principal`: unusable principal `{kind}` of {len(orgs)} organisations, {expected}"
    principal.problem(message, near="principal")
    return _Caller()


def _read_provenance(principal: Entry, *, among: tuple[Provenance, ...]) -> Provenance:
    name = principal.name("provenance", among={one.value for one in among})
    return Provenance(name) if name else among[0]


def _read_identity(case: Entry, *, org: str, groups: tuple[str, ...], now: datetime, setting: Setting) -> Identity:
    issuer = min((issuer for issuer, its_org in setting.issuers.items() if its_org == org), default="")
    if not issuer:
        case.problem(f"nobody can sign in from `{org}`, it has no identity provider", near=org)
    auth = case.entry("auth")
    auth.refuse_unknown("level", "mfa_age")
    provenance = _read_provenance(case.entry("principal"), among=(Provenance.VERIFIED, Provenance.PLATFORM))
    level = auth.value("level", int, default=1)
    if provenance is Provenance.PLATFORM and case.table.keys() & {"auth", "device"}:
        case.problem("of somebody whom the platform signed in, neither `auth` nor `device` is known", near="provenance")
    if level not in list(Level):
        auth.problem(f"`auth.level`: unusable level `{level}`, expected {', '.join(map(str, Level))}", near="level")
        level = Level.SIGNED_IN
    return Identity(
        issuer=issuer,
        subject=_CASE,
        org=org,
        groups=frozenset(groups),
        level=Level(level),
        acr=None,
        amr=(),
        auth_time=_read_auth_time(auth, level=level, now=now),
        session_id=None,
        nonce=None,
        issued_at=now,
        expires_at=now + _SESSION,
        provenance=provenance,
    )


def _read_auth_time(auth: Entry, *, level: int, now: datetime) -> datetime | None:
    if "mfa_age" not in auth.table:
        return None
    text = auth.value("mfa_age", str, default="0s")
    if level < Level.MULTI_FACTOR:
        message = f"`auth.mfa_age` at level {level}, expected at least level {Level.MULTI_FACTOR}"
        auth.problem(message, near="mfa_age")
    try:
        age = read_duration(text)
    except ValueError as error:
        auth.problem(f"`auth.mfa_age`: {error}", near=text)
        return None
    if not timedelta() <= age <= _OLDEST:
        auth.problem(f"`auth.mfa_age`: unusable age `{text}`, expected at most {_OLDEST.days} days", near=text)
        return None
    return now - age


def _read_device(case: Entry, *, owner: Identity | None, now: datetime) -> Finding[AttestationResult]:
    device = case.entry("device")
    device.refuse_unknown("managed", "compliant", "attested")
    managed, compliant, attested = (
        device.value(key, bool, default=False) for key in ("managed", "compliant", "attested")
    )
    if not attested:
        if managed or compliant:
            device.problem("`device`: one that is not attested is neither managed nor compliant", near="device")
        return ABSENT
    result = AttestationResult(
        device_id=_CASE,
        format="x509",
        tier=Tier.AFFIRMING,
        bound=True,
        managed=managed,
        # What a certificate can lack is a name that leads to this owner.
        owner=owner.key if owner and compliant else None,
        appraised_by=_CASE,
        expires_at=now + _SESSION,
    )
    return Proven(value=result)


def _read_conference(
    case: Entry, *, caller: _Caller, bundle: Bundle, directory: Directory, own_lists: bool
) -> Conference:
    alias = case.table.get("conference")
    if isinstance(alias, str):
        found = directory.find(alias)
        if found is None:
            expected = "expected one of the configuration or a table"
            case.problem(f"`conference`: unknown conference `{alias}`, {expected}", near=alias)
        conference = found or _PLAIN
        if not own_lists:
            conference = replace(conference, invited=frozenset(), hosts=frozenset())
    else:
        conference = _read_table(case.entry("conference"), bundle=bundle)
    principal = case.entry("principal")
    return replace(
        conference,
        invited=conference.invited | _listed(principal, "invited", caller=caller),
        hosts=conference.hosts | _listed(principal, "host", caller=caller),
    )


def _read_table(table: Entry, *, bundle: Bundle) -> Conference:
    table.refuse_unknown("zones", "classification", "owner", "hosts", "invited", "guests", "separate")
    classifications = bundle.data.classifications
    return replace(
        _PLAIN,
        zones=table.names("zones", among=bundle.setting.zones) or bundle.setting.zones,
        classification=table.name("classification", among=classifications) or classifications[0],
        owner=table.value("owner", str, default=_PLAIN.owner),
        hosts=frozenset(table.strings("hosts")),
        invited=frozenset(table.strings("invited")),
        guests=table.value("guests", bool, default=False) if "guests" in table.table else None,
        separate=Separate(table.name("separate", among={one.value for one in Separate}) or Separate.REDIRECT),
    )


def _listed(principal: Entry, key: str, *, caller: _Caller) -> frozenset[str]:
    if not principal.value(key, bool, default=False):
        return frozenset()
    if caller.entry is None:
        principal.problem(f"`principal.{key}` cannot be true, no list can name this principal", near=key)
        return frozenset()
    return frozenset({caller.entry})


def _read_network(case: Entry, *, data: Data) -> Network:
    located = case.value("located", bool, default=True)
    address = case.value("address", str, default=DEFAULT_ADDRESS)
    if case.table.keys() & {"country", "networks"}:
        if "address" in case.table or not located:
            case.problem("`country` and `networks` lead to a located address, give either them or it", near="address")
        address = _find_address(case, data=data)
    elif located and read_address(address) is None:
        case.problem(f"`address`: unusable address `{address}`, expected one of IPv4 or IPv6", near=address)
    return Network(address=address, located=located)


def _find_address(case: Entry, *, data: Data) -> str:
    country = case.value("country", str, default="") or None
    networks = frozenset(case.strings("networks"))
    stretches = chain(data.countries.stretches(), data.networks.stretches())
    for address in sorted((address for address, _ in stretches), key=lambda one: (one.version, int(one))):
        in_country = "country" not in case.table or data.country(address) == country
        if in_country and ("networks" not in case.table or data.networks.find(address) == networks):
            return str(address)
    case.problem("no address of data.toml is in this `country` and these `networks`", near="country")
    return DEFAULT_ADDRESS
