"""Appraise, and expect a refusal."""

from datetime import datetime

import pytest

from plugin.attestation.x509 import verifier
from plugin.core.device import AttestationResult, Evidence
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.ports import DeviceCa
from tests.attestation.pki import NOON, TRANSCRIPT, authority, device, trust

ROOT = authority()
ISSUING = authority("Example Issuing CA", by=ROOT)
ALICE = device("alice", by=ROOT)
ALICE_BELOW = device("alice", by=ISSUING)


def appraise(
    presented: Evidence, *anchors: DeviceCa, transcript: bytes = TRANSCRIPT, now: datetime = NOON
) -> AttestationResult:
    return verifier(anchors or (trust(ROOT),)).appraise(presented, transcript=transcript, now=now).result


def refusal(presented: Evidence, *anchors: DeviceCa, transcript: bytes = TRANSCRIPT, now: datetime = NOON) -> Reason:
    with pytest.raises(Refused) as refused:
        appraise(presented, *anchors, transcript=transcript, now=now)
    return refused.value.reason
