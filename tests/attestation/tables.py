"""Formats that an `[[evidence]]` table switches on, built as the configuration would."""

from plugin.core.device import Evidence, Tier
from plugin.device_ports import EnrolmentFormat, EvidenceFormat, EvidenceSettings
from plugin.ports import AttestationVerifier


def build(
    kind: EvidenceFormat, *roots: bytes, tier: Tier = Tier.AFFIRMING, **options: str | int | bytes | tuple[str, ...]
) -> EnrolmentFormat | AttestationVerifier:
    defaults = {name: option.default for name, option in kind.options.items() if option.default is not None}
    return kind.build(
        EvidenceSettings(
            name="table",
            roots=roots,
            tier=tier,
            rp_id="vestibule.example.com",
            origin="https://vestibule.example.com",
            options={**defaults, **options},
        )
    )


def presented(payload: dict[str, object]) -> Evidence:
    return Evidence(format="any", payload=payload, challenge_id="any")
