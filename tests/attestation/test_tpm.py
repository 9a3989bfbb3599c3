"""A TPM is enrolled and proves itself, and whoever has another one, or none, does not. Live against swtpm."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.attestation.tpm import TpmFormat, evidence
from plugin.core import base64url
from plugin.core.device import Element, EnrolledDevice, Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EvidenceSettings
from plugin.ports import Json
from tests.attestation.formats import enrolled as on_record
from tests.attestation.pki import authority
from tests.attestation.software_tpm import SoftwareTpm, TpmError, software_tpm

pytestmark = [pytest.mark.component("swtpm"), pytest.mark.component("tpm2-tools")]

# Hours may pass between the reading of this file and the making of the certificates.
NOW = datetime.now(UTC) + timedelta(days=1)
ENROL, JOIN = bytes(range(32)), bytes(range(32, 64))
RESTRICTED = 1 << 16


def built(*roots: bytes, tier: Tier = Tier.AFFIRMING, **options: str | bool | bytes) -> TpmFormat:
    defaults = {name: option.default for name, option in evidence.options.items()}
    settings = EvidenceSettings(
        name="tpms",
        roots=roots,
        tier=tier,
        rp_id="vestibule.example.com",
        origin="https://vestibule.example.com",
        options={**defaults, **options},  # type: ignore[dict-item] # every option has a default
    )
    made = evidence.build(settings)
    assert isinstance(made, TpmFormat)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Laptop:
    tpm: SoftwareTpm
    certificate: bytes
    ak: bytes

    @property
    def first(self) -> dict[str, object]:
        issuer = x509.load_pem_x509_certificate(self.tpm.issuer).public_bytes(Encoding.DER)
        chain = [b64encode(der).decode() for der in (self.certificate, issuer)]
        return {"ek_chain": chain, "ak_public": base64url.encode(self.ak)}

    def quoted(self, message: bytes, *, name: str = "ak", pcrs: str = "sha256:0,7,16") -> dict[str, object]:
        parts = zip(("quote", "signature", "pcrs"), self.tpm.quote(message, name=name, pcrs=pcrs), strict=True)
        return {part: base64url.encode(octets) for part, octets in parts}

    def proof(self, message: bytes = JOIN, **how: str) -> Evidence:
        return presented({"ak_name": base64url.encode(self.tpm.read("ak.name")), **self.quoted(message, **how)})


def presented(payload: Mapping[str, object]) -> Evidence:
    return Evidence(format="tpm", payload=payload, challenge_id="any")


def opened(laptop: Laptop, answer: Json, *, endorsement: str = "rsa", name: str = "ak") -> str:
    blob = b"".join(base64url.decode(str(answer[part])) for part in ("id_object", "encrypted_secret"))
    return base64url.encode(laptop.tpm.activate(blob, endorsement=endorsement, name=name))


def enrolled(laptop: Laptop, house: TpmFormat) -> Attested:
    answer, kept = house.begin(laptop.first, now=NOW)
    payload = {"secret": opened(laptop, answer), **laptop.quoted(ENROL)}
    return house.enrol(presented(payload), transcript=ENROL, kept=kept, now=NOW)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with software_tpm(tmp_path_factory.mktemp("tpm")) as tpm:
        certificate = tpm.endorse("rsa")
        yield Laptop(tpm=tpm, certificate=certificate, ak=tpm.make_key("rsa"))


@pytest.fixture(scope="module")
def house(laptop: Laptop) -> TpmFormat:
    return built(laptop.tpm.roots)


@pytest.fixture(scope="module")
def device(laptop: Laptop, house: TpmFormat) -> EnrolledDevice:
    return on_record(enrolled(laptop, house), now=NOW, kind="tpm")


def refusal(house: TpmFormat, proof: Evidence, *, device: EnrolledDevice, transcript: bytes = JOIN) -> Reason:
    with pytest.raises(Refused) as refused:
        house.prove(proof, transcript=transcript, device=device, now=NOW)
    return refused.value.reason


def test_a_tpm_is_enrolled_by_its_maker_and_proves_itself(
    laptop: Laptop, house: TpmFormat, device: EnrolledDevice
) -> None:
    proof = laptop.proof()

    proven = house.prove(proof, transcript=JOIN, device=device, now=NOW)

    assert house.device_id(proof) == device.id == f"tpm:{laptop.tpm.read('ak.name').hex()}"
    assert (proven.tier, proven.reset) == (Tier.AFFIRMING, False)
    assert proven.vector == {Element.INSTANCE_IDENTITY: Tier.AFFIRMING, Element.HARDWARE: Tier.AFFIRMING}


def test_a_tpm_whose_endorsement_key_is_elliptic_opens_the_secret(laptop: Laptop, house: TpmFormat) -> None:
    certificate = laptop.tpm.endorse("ecc384")
    other = replace(laptop, certificate=certificate, ak=laptop.tpm.make_key("ecc384", name="elliptic"))
    answer, kept = house.begin(other.first, now=NOW)

    secret = opened(other, answer, endorsement="ecc384", name="elliptic")
    payload = {"secret": secret, **other.quoted(ENROL, name="elliptic")}

    assert house.enrol(presented(payload), transcript=ENROL, kept=kept, now=NOW).tier is Tier.AFFIRMING


def test_another_key_than_the_named_one_cannot_open_the_secret(laptop: Laptop, house: TpmFormat) -> None:
    laptop.tpm.make_key("rsa", name="other")
    answer, _ = house.begin(laptop.first, now=NOW)

    with pytest.raises(TpmError):
        opened(laptop, answer, name="other")


def test_a_key_that_says_to_be_restricted_and_is_not_cannot_open_the_secret(laptop: Laptop, house: TpmFormat) -> None:
    attributes = int.from_bytes(laptop.ak[6:10]) ^ 1 << 6  # userWithAuth: the same key under another name
    mutated = laptop.ak[:6] + attributes.to_bytes(4) + laptop.ak[10:]
    answer, _ = house.begin({**laptop.first, "ak_public": base64url.encode(mutated)}, now=NOW)

    with pytest.raises(TpmError):
        opened(laptop, answer)


def test_an_unrestricted_key_is_refused(laptop: Laptop, house: TpmFormat) -> None:
    attributes = int.from_bytes(laptop.ak[6:10]) & ~RESTRICTED
    unrestricted = laptop.ak[:6] + attributes.to_bytes(4) + laptop.ak[10:]

    with pytest.raises(Refused, match=Reason.EVIDENCE_KEY.code):
        house.begin({**laptop.first, "ak_public": base64url.encode(unrestricted)}, now=NOW)


def test_a_guessed_secret_enrols_nothing(laptop: Laptop, house: TpmFormat) -> None:
    _, kept = house.begin(laptop.first, now=NOW)
    payload = {"secret": base64url.encode(bytes(32)), **laptop.quoted(ENROL)}

    with pytest.raises(Refused, match=Reason.EVIDENCE_SIGNATURE.code):
        house.enrol(presented(payload), transcript=ENROL, kept=kept, now=NOW)


def test_a_tpm_of_another_maker_is_refused(laptop: Laptop) -> None:
    with pytest.raises(Refused, match=Reason.EVIDENCE_CHAIN.code):
        built(authority().pem).begin(laptop.first, now=NOW)


def test_a_certificate_that_is_no_endorsement_is_refused(laptop: Laptop, house: TpmFormat) -> None:
    chain = laptop.first["ek_chain"]
    assert isinstance(chain, list)

    with pytest.raises(Refused, match=Reason.EVIDENCE_CHAIN.code):
        house.begin({**laptop.first, "ek_chain": chain[1:]}, now=NOW)


def test_a_replayed_quote_is_refused(laptop: Laptop, house: TpmFormat, device: EnrolledDevice) -> None:
    assert refusal(house, laptop.proof(ENROL), device=device) is Reason.EVIDENCE_SIGNATURE


def test_a_quote_by_another_key_of_the_same_tpm_is_refused(
    laptop: Laptop, house: TpmFormat, device: EnrolledDevice
) -> None:
    laptop.tpm.make_key("rsa", name="second")

    assert refusal(house, laptop.proof(name="second"), device=device) is Reason.EVIDENCE_SIGNATURE


def test_a_record_whose_key_has_other_attributes_proves_nothing(
    laptop: Laptop, house: TpmFormat, device: EnrolledDevice
) -> None:
    attributes = int.from_bytes(laptop.ak[6:10]) ^ 1 << 6
    mutated = base64url.encode(laptop.ak[:6] + attributes.to_bytes(4) + laptop.ak[10:])

    changed = replace(device, key={**device.key, "ak_public": mutated})

    assert refusal(house, laptop.proof(), device=changed) is Reason.EVIDENCE_KEY


def test_swapped_pcrs_are_refused(laptop: Laptop, house: TpmFormat, device: EnrolledDevice) -> None:
    laptop.tpm.run("tpm2_pcrextend", f"16:sha256={bytes(range(32)).hex()}")
    proof = laptop.proof()
    pcrs = base64url.decode(str(proof.payload["pcrs"]))
    swapped = base64url.encode(pcrs[64:] + pcrs[32:64] + pcrs[:32])

    liar = presented({**proof.payload, "pcrs": swapped})

    assert refusal(house, liar, device=device) is Reason.EVIDENCE_SIGNATURE


@pytest.mark.parametrize("mismatch", [Tier.WARNING, Tier.CONTRAINDICATED])
def test_pcrs_are_compared_with_the_references(laptop: Laptop, device: EnrolledDevice, mismatch: Tier) -> None:
    proof = laptop.proof()
    value = base64url.decode(str(proof.payload["pcrs"]))[:32]
    recorded = replace(device, vector={**device.vector, Element.CONFIGURATION: Tier.AFFIRMING})

    def configuration(reference: bytes) -> Tier:
        references = f'[sha256]\n0 = ["{reference.hex()}"]\n'.encode()
        house = built(laptop.tpm.roots, references_file=references, mismatch=mismatch.value)
        return house.prove(proof, transcript=JOIN, device=recorded, now=NOW).vector[Element.CONFIGURATION]

    assert configuration(value) is Tier.AFFIRMING
    assert configuration(bytes(reversed(range(32)))) is mismatch


def test_a_quote_that_leaves_out_what_has_a_reference_is_refused(laptop: Laptop, device: EnrolledDevice) -> None:
    references = f'[sha256]\n0 = ["{bytes(32).hex()}"]\n'.encode()
    house = built(laptop.tpm.roots, references_file=references)

    assert refusal(house, laptop.proof(pcrs="sha256:16"), device=device) is Reason.EVIDENCE_MALFORMED


def test_a_restart_asks_for_a_new_attestation_where_nobody_has_switched_it_off(
    laptop: Laptop, house: TpmFormat, device: EnrolledDevice
) -> None:
    before = replace(device, key={**device.key, "resets": int(str(device.key["resets"])) - 1})
    tolerant = built(laptop.tpm.roots, reattest_on_reset=False)

    assert house.prove(laptop.proof(), transcript=JOIN, device=before, now=NOW).reset
    assert not tolerant.prove(laptop.proof(), transcript=JOIN, device=before, now=NOW).reset


def test_nothing_mutated_is_accepted(laptop: Laptop, house: TpmFormat, device: EnrolledDevice) -> None:
    proof = laptop.proof()

    for part in ("quote", "signature", "pcrs"):
        octets = base64url.decode(str(proof.payload[part]))
        flipped = [
            octets[:at] + bytes([octets[at] ^ bit]) + octets[at + 1 :]
            for at in range(len(octets))
            for bit in (1, 128, 255)
        ]
        for mutated in (*flipped, *(octets[:at] for at in range(len(octets))), octets + b"\0"):
            refusal(house, presented({**proof.payload, part: base64url.encode(mutated)}), device=device)


def test_nothing_but_refused_comes_out_of_a_mutated_key(
    laptop: Laptop, house: TpmFormat, device: EnrolledDevice
) -> None:
    proof = laptop.proof()

    for at in range(len(laptop.ak)):
        mutated = laptop.ak[:at] + bytes([laptop.ak[at] ^ 1]) + laptop.ak[at + 1 :]
        changed = replace(device, key={**device.key, "ak_public": base64url.encode(mutated)})
        with pytest.raises(Refused):
            house.prove(proof, transcript=JOIN, device=changed, now=NOW)


def test_a_format_without_roots_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ValueError, match="no `roots_files`"):
        built()
