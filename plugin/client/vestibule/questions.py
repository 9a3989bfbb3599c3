"""What a platform tells about a join. Nothing in here proves anything, and no representation repeats it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """What the platform knows of a participant; empty where it knows nothing. `remote_address` is an IP address."""

    alias: str = field(default="", repr=False)
    display_name: str = field(default="", repr=False)
    protocol: str = ""
    remote_address: str = field(default="", repr=False)
    vendor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a device has to say for itself, over a challenge. The payload is as the format says."""

    format: str
    challenge_id: str = field(repr=False)
    payload: Mapping[str, object] = field(repr=False)
