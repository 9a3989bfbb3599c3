"""`POST /v1/joins`, `/v1/tickets` and `/v1/challenges`: what platforms and clients are answered, liars among them."""

import pytest
from joserfc.jwk import ECKey

from plugin.core import base64url
from tests.shell.world import World

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def first_reason(body: dict) -> str:
    return str(body["reasons"][0]["code"])


async def test_a_proven_person_on_a_proven_device_is_allowed(world: World) -> None:
    proofs = await world.proofs("board", token=world.token("alice"), device=world.authority.device("alice"))

    body = await world.join(proofs)

    assert body["decision"] == "allow"
    assert body["zone"] == "core"
    assert body["capabilities"] == ["present", "showName", "unmute"]
    assert str(body["decision_id"]).startswith("dec_")
    assert len(str(body["trace_id"])) == 32


async def test_a_person_without_a_device_is_redirected(world: World) -> None:
    body = await world.join(await world.proofs("board", token=world.token("alice")))

    assert (body["decision"], body["zone"]) == ("redirect", "meetme")
    assert "present" not in body["capabilities"]


async def test_an_old_sign_in_is_answered_with_the_way_to_a_new_one(world: World) -> None:
    nine_hours_ago = int(world.clock().timestamp()) - 9 * 3600
    token = world.token("alice", auth_time=nine_hours_ago)
    proofs = await world.proofs("board", token=token, device=world.authority.device("alice"))

    body = await world.join(proofs)

    assert body["decision"] == "deny"
    assert body["remedy"] == {"type": "step-up", "acr_values": ["urn:acme:mfa"], "claims": None, "max_age": 28800}


async def test_nothing_presented_is_denied(world: World) -> None:
    body = await world.join({"conference": "board"})

    assert body["decision"] == "deny"
    assert "policies" not in str(body)


async def test_a_ticket_is_as_good_as_its_proofs_and_good_once(world: World) -> None:
    device = world.authority.device("alice")
    ticket = await world.ticket(await world.proofs("board", token=world.token("alice"), device=device))

    first = await world.join({"conference": "board", "ticket": ticket})
    other = await world.join({"conference": "board", "ticket": ticket}, address="198.51.100.9")

    assert (first["decision"], other["decision"]) == ("allow", "deny")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1}, "token-expired"),
        ({"iat": 9_999_999_999, "exp": 9_999_999_999}, "token-not-yet-valid"),
        ({"exp": 9_999_999_999}, "token-lifetime"),
        ({"aud": "another-client"}, "token-audience"),
        ({"aud": ["vestibule", "another-client"]}, "token-audience"),
        ({"azp": "another-client"}, "token-authorized-party"),
        ({"iss": "https://evil.example"}, "token-issuer"),
        ({"exp": "2000000000"}, "token-claim"),
        ({"sub": None}, "token-claim"),
        ({"groups": "staff", "auth_time": "yesterday"}, "token-claim"),
    ],
)
async def test_a_token_with_a_false_claim_is_refused(world: World, claims: dict[str, object], reason: str) -> None:
    body = await world.join(await world.proofs("townhall", token=world.token("alice", **claims)))

    assert body["decision"] == "deny"
    assert first_reason(body) == reason


async def test_a_token_signed_by_another_key_with_our_key_id_is_refused(world: World) -> None:
    forged = world.token("alice", key=ECKey.generate_key("P-256"))

    body = await world.join(await world.proofs("townhall", token=forged))

    assert first_reason(body) == "token-signature"


async def test_a_partners_provider_cannot_vouch_for_an_employee(world: World) -> None:
    posing = world.partners.token("alice", now=world.clock(), iss=world.acme.url)

    body = await world.join(await world.proofs("board", token=posing))

    assert first_reason(body) in {"token-key", "token-signature"}


async def test_a_partners_group_is_not_a_group_of_the_house(world: World) -> None:
    posing = world.partners.token("dan", now=world.clock(), groups=["chairs"])

    body = await world.join(await world.proofs("summit", token=posing))

    assert body["decision"] == "redirect"
    assert "host" not in body["capabilities"]


async def test_a_bare_token_counts_once(world: World) -> None:
    token = world.token("alice")

    first = await world.join(await world.proofs("board", token=token))
    second = await world.join(await world.proofs("board", token=token))

    assert first["decision"] == "redirect"
    assert first_reason(second) == "token-replayed"


async def test_a_bare_token_is_stale_after_six_minutes(world: World) -> None:
    token = world.token("alice")
    world.clock.move(minutes=6)

    body = await world.join(await world.proofs("board", token=token))

    assert first_reason(body) == "token-stale"


async def test_a_token_minted_for_our_challenge_need_not_be_fresh(world: World) -> None:
    challenge = await world.challenge("board")
    six_minutes_ago = int(world.clock().timestamp()) - 360
    token = world.token("alice", iat=six_minutes_ago, auth_time=six_minutes_ago, nonce=challenge["nonce"])

    body = await world.join(await world.proofs("board", token=token))

    assert body["decision"] == "redirect"


async def test_a_token_minted_for_another_conference_is_refused(world: World) -> None:
    challenge = await world.challenge("budget")

    body = await world.join(await world.proofs("board", token=world.token("alice", nonce=challenge["nonce"])))

    assert first_reason(body) == "token-nonce"


async def test_a_signature_over_another_token_is_refused(world: World) -> None:
    device = world.authority.device("alice")
    proofs = await world.proofs("board", token=world.token("alice"), device=device)

    body = await world.join({**proofs, "id_token": world.token("alice")})

    assert first_reason(body) == "evidence-signature"


async def test_a_signature_for_another_conference_is_refused(world: World) -> None:
    proofs = await world.proofs("budget", token=world.token("alice"), device=world.authority.device("alice"))

    body = await world.join({**proofs, "conference": "board"})

    assert first_reason(body) == "evidence-challenge"


async def test_a_signature_counts_once(world: World) -> None:
    proofs = await world.proofs("board", token=world.token("alice"), device=world.authority.device("alice"))

    await world.join(proofs)
    again = await world.join(proofs)

    assert first_reason(again) == "evidence-challenge"


async def test_a_certificate_of_another_authority_is_refused(world: World) -> None:
    foreign = type(world.authority)().device("alice")

    body = await world.join(await world.proofs("board", token=world.token("alice"), device=foreign))

    assert first_reason(body) == "evidence-chain"


async def test_refused_evidence_never_makes_a_guest(world: World) -> None:
    foreign = type(world.authority)().device("alice")
    evidence = foreign.evidence(await world.challenge("townhall"), token=None)

    body = await world.join({"conference": "townhall", "evidence": [evidence]})

    assert body["decision"] == "deny"


async def test_evidence_of_an_unknown_format_is_refused(world: World) -> None:
    evidence = {"format": "my-word", "payload": {}, "challenge_id": "x"}

    body = await world.join({"conference": "townhall", "evidence": [evidence]})

    assert first_reason(body) == "evidence-format"


async def test_a_ticket_needs_a_person(world: World) -> None:
    status, body = await world.post("/v1/tickets", {"conference": "townhall"}, bearer=None)

    assert status == 403
    assert body["decision"] == "deny"


async def test_a_token_that_a_device_has_signed_for_is_worth_nothing_without_the_device(world: World) -> None:
    token = world.token("alice")
    await world.join(await world.proofs("board", token=token, device=world.authority.device("alice")))

    stolen = await world.join(await world.proofs("board", token=token))

    assert first_reason(stolen) == "token-replayed"


async def test_a_token_that_a_thief_tried_with_another_device_is_used_up_as_well(world: World) -> None:
    token = world.token("alice")
    await world.join(await world.proofs("board", token=token, device=world.authority.device("eve")))

    stolen = await world.join(await world.proofs("board", token=token))

    assert first_reason(stolen) == "token-replayed"


async def test_one_sign_in_opens_two_meetings_from_ones_own_device(world: World) -> None:
    token, device = world.token("alice"), world.authority.device("alice")

    first = await world.join(await world.proofs("board", token=token, device=device))
    second = await world.join(await world.proofs("budget", token=token, device=device))

    assert (first["decision"], second["decision"]) == ("allow", "allow")


async def test_a_token_with_its_signature_respelled_does_not_count_again(world: World) -> None:
    token = world.token("alice")
    await world.join(await world.proofs("board", token=token))

    again = await world.join(await world.proofs("board", token=respelled(token)))

    assert first_reason(again) == "token-replayed"


def respelled(token: str) -> str:
    """Write an ES256 signature in its other valid spelling: (r, n - s) for (r, s)."""
    signed, _, signature = token.rpartition(".")
    raw = base64url.decode(signature)
    s = P256_ORDER - int.from_bytes(raw[32:], "big")
    return f"{signed}.{base64url.encode(raw[:32] + s.to_bytes(32, 'big'))}"


async def test_a_signature_over_another_nonce_is_refused(world: World) -> None:
    token, device = world.token("alice"), world.authority.device("alice")
    signed, asked = await world.challenge("board"), await world.challenge("board")
    evidence = {**device.evidence(signed, token=token), "challenge_id": asked["challenge_id"]}

    body = await world.join({"conference": "board", "id_token": token, "evidence": [evidence]})

    assert first_reason(body) == "evidence-signature"


async def test_a_signature_for_another_house_is_refused(world: World) -> None:
    token, device = world.token("alice"), world.authority.device("alice")
    challenge = {**await world.challenge("board"), "origin": "https://evil.example"}

    body = await world.join(
        {"conference": "board", "id_token": token, "evidence": [device.evidence(challenge, token=token)]}
    )

    assert first_reason(body) == "evidence-signature"


async def test_a_token_minted_for_another_conference_stays_refused(world: World) -> None:
    challenge = await world.challenge("budget")
    token = world.token("alice", nonce=challenge["nonce"])

    answers = [await world.join(await world.proofs("board", token=token)) for _ in range(2)]

    assert [answer["decision"] for answer in answers] == ["deny", "deny"]


async def test_a_token_minted_for_another_conference_does_not_turn_fresh_when_its_challenge_expires(
    world: World,
) -> None:
    challenge = await world.challenge("budget")
    token = world.token("alice", nonce=challenge["nonce"])
    world.clock.move(seconds=121)

    body = await world.join(await world.proofs("board", token=token))

    assert first_reason(body) == "token-nonce"


async def test_a_device_of_nobody_knows_whom_does_not_lift_the_rules_of_a_bare_token(world: World) -> None:
    kiosk, token = world.authority.device(""), world.token("alice")
    world.clock.move(minutes=6)

    stale = await world.join(await world.proofs("board", token=token, device=kiosk))

    assert first_reason(stale) == "token-stale"


async def test_a_device_of_nobody_knows_whom_opens_nothing_twice(world: World) -> None:
    kiosk, token = world.authority.device(""), world.token("alice")

    first = await world.join(await world.proofs("board", token=token, device=kiosk))
    second = await world.join(await world.proofs("board", token=token, device=kiosk))

    assert first["decision"] == "redirect"
    assert first_reason(second) == "token-replayed"


async def test_one_challenge_serves_the_sign_in_and_a_device_of_nobody_knows_whom(world: World) -> None:
    challenge = await world.challenge("board")
    token, kiosk = world.token("alice", nonce=challenge["nonce"]), world.authority.device("")
    evidence = kiosk.evidence(challenge, token=token)

    body = await world.join({"conference": "board", "id_token": token, "evidence": [evidence]})

    assert body["decision"] == "redirect"


async def test_what_a_caller_wrote_into_an_unsigned_header_is_not_written_down(world: World) -> None:
    header = base64url.encode(b'{"alg":"bob.smith@example.com","typ":"JWT"}')
    _, payload, signature = world.token("alice").split(".")

    body = await world.join(await world.proofs("board", token=f"{header}.{payload}.{signature}"))

    assert first_reason(body) == "token-algorithm"
    assert "bob.smith" not in str(world.records)
