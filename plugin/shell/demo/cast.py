"""What the people bring along: accounts at their organisations' providers, and laptops that the corporate CA knows.

Made anew for each run: passwords, keys and certificates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe

from plugin.shell.demo.accounts import Account
from plugin.shell.demo.devices import CorporateCa, Device
from plugin.shell.demo.people import PEOPLE, Person

MFA = "https://refeds.org/profile/mfa"
ORGS = ("acme", "partners")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """`accounts` are by person's name, `laptops` by their own; `device_ca` is the trust anchor, in PEM."""

    accounts: Mapping[str, Account]
    laptops: Mapping[str, Device]
    device_ca: bytes

    def accounts_of(self, org: str) -> tuple[Account, ...]:
        """Return the accounts at one organisation's provider."""
        return tuple(self.accounts[person.name] for person in PEOPLE if person.org == org)

    def owners(self, issuers: Mapping[str, str]) -> dict[str, str]:
        """Return whose each laptop is: its certificate's name to an identity key."""
        return {person.own_laptop: f"{issuers[person.org]}#{person.subject}" for person in PEOPLE if person.org}


def make_cast(now: datetime) -> Cast:
    """Make accounts and laptops; the certificates are valid from `now`."""
    ca = CorporateCa("Acme devices", now=now)
    return Cast(
        accounts={person.name: _account(person) for person in PEOPLE if person.org},
        laptops={person.own_laptop: ca.issue(person.own_laptop) for person in PEOPLE},
        device_ca=ca.pem,
    )


def _account(person: Person) -> Account:
    """Everybody signs in with a password and a one-time code (RFC 8176), which this provider takes for granted."""
    return Account(
        username=person.name.lower(),
        password=token_urlsafe(16),
        subject=person.subject,
        groups=person.groups,
        acr=MFA,
        amr=("pwd", "otp", "mfa"),
    )
