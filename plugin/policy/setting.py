"""What a bundle is judged in: the zones, the house, and who is known here. All of it comes from the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """`inside` are the zones within the boundary, `house` the organisations at home there.

    `orgs` are all organisations that are known, `issuers` maps each identity provider to its own,
    `room_systems` are the trunks that lead to a meeting room of the house. A name of an
    organisation holds no `/`: that keeps the groups of two organisations apart.
    """

    zones: tuple[str, ...]
    inside: frozenset[str]
    house: frozenset[str]
    orgs: frozenset[str]
    issuers: Mapping[str, str]
    room_systems: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for org in sorted(self.orgs | self.house):
            if "/" in org:
                raise ValueError(f"unusable organisation `{org}`, expected a name without `/`")

    def partner_of(self, group: str) -> str | None:
        """Return the organisation outside the house that this is a group of; None = a group of the house."""
        org, slash, _ = group.partition("/")
        return org if slash and org in self.orgs - self.house else None
