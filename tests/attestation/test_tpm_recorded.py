"""Recorded structures of a TPM, and what becomes of them when they are mutated: nothing but Refused comes out."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.attestation._tpm_structures import read_attestation_key, read_quote, verify_signature
from plugin.attestation.tpm import TpmFormat, evidence
from plugin.core import base64url
from plugin.core.errors import Refused
from tests.attestation.formats import build

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def recorded(shared: Path) -> Path:
    return shared / "vectors/device/swtpm"


def first(recorded: Path, *, ek: bytes = b"", ak: bytes = b"") -> dict[str, object]:
    issuer = x509.load_pem_x509_certificate((recorded / "issuercert.pem").read_bytes()).public_bytes(Encoding.DER)
    chain = [ek or (recorded / "ek.crt.der").read_bytes(), issuer]
    public = base64url.encode(ak or (recorded / "ak.pub").read_bytes())
    return {"ek_chain": [b64encode(der).decode() for der in chain], "ak_public": public}


def house(recorded: Path) -> TpmFormat:
    made = build(evidence, (recorded / "swtpm-localca-rootca-cert.pem").read_bytes())
    assert isinstance(made, TpmFormat)
    return made


def test_a_recorded_tpm_is_offered_a_secret_for_its_key(recorded: Path) -> None:
    answer, kept = house(recorded).begin(first(recorded), now=NOW)

    assert answer.keys() == {"id_object", "encrypted_secret"}
    assert kept["ak_public"] == first(recorded)["ak_public"]


def test_a_recorded_quote_is_read_as_the_tools_read_it(recorded: Path) -> None:
    key = read_attestation_key((recorded / "ak.pub").read_bytes())
    message = (recorded / "quote.msg").read_bytes()

    verify_signature((recorded / "quote.sig").read_bytes(), key=key, message=message)

    assert key.name == (recorded / "ak.name").read_bytes()
    assert read_quote(message).extra == bytes.fromhex((recorded / "nonce.hex").read_text())
    assert read_quote(message).selection == (("sha256", (*range(8), 16)),)


def test_a_mutated_endorsement_certificate_is_refused(recorded: Path) -> None:
    certificate, format_ = (recorded / "ek.crt.der").read_bytes(), house(recorded)

    for at in range(len(certificate)):
        mutated = certificate[:at] + bytes([certificate[at] ^ 1]) + certificate[at + 1 :]
        with pytest.raises(Refused):
            format_.begin(first(recorded, ek=mutated), now=NOW)


def test_a_mutated_key_is_refused_or_has_another_name(recorded: Path) -> None:
    public, name = (recorded / "ak.pub").read_bytes(), (recorded / "ak.name").read_bytes()
    mutants = [
        public[:at] + bytes([public[at] ^ bit]) + public[at + 1 :] for at in range(len(public)) for bit in (1, 255)
    ]

    for mutant in (*mutants, *(public[:at] for at in range(len(public)))):
        try:
            found = read_attestation_key(mutant).name
        except Refused:
            continue
        assert found != name


@pytest.mark.parametrize("read", [read_attestation_key, read_quote])
@settings(max_examples=300, deadline=None)
@given(octets=st.binary(max_size=300), head=st.integers(0, 60))
def test_nothing_but_refused_comes_out_of_any_octets(read: Callable[[bytes], object], octets: bytes, head: int) -> None:
    for whole in (octets, bytes.fromhex("ff5443478018")[:head] + octets, len(octets).to_bytes(2) + octets):
        try:
            read(whole)
        except Refused as refused:
            assert refused.detail  # noqa: PT017 - both outcomes are right, other exceptions are not
