"""A device enrols through the real doors, and proves itself at joins; liars try the same."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from joserfc import jwt

from plugin.core import base64url
from plugin.core.device import DeviceState
from plugin.core.reasons import Reason
from plugin.core.transcript import Purpose, Transcript
from tests.devices import FORMAT, KeyedDevice
from tests.shell.world import World, opened

EVIDENCE = f'[[evidence]]\nname = "keys"\nformat = "{FORMAT}"\n[enrolment]\n'


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, enrolment=EVIDENCE + 'approval = "first-use"\ndevices_per_person = 2') as opening:
        yield opening


@pytest_asyncio.fixture
async def strict(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, enrolment=EVIDENCE) as opening:
        yield opening


def digest(challenge: Mapping[str, str], *, token: str | None, purpose: str = "") -> bytes:
    return Transcript(
        purpose=Purpose(purpose or challenge["purpose"]),
        tenant=challenge["tenant"],
        origin=challenge["origin"],
        conference=challenge["conference"],
        nonce=base64url.decode(challenge["nonce"]),
        unverified_token=token,
    ).digest()


async def begin(world: World) -> dict[str, str]:
    status, challenge = await world.post("/v1/enrolments/challenges", {"format": FORMAT}, bearer=None)
    assert status == 201, challenge
    return {name: str(value) for name, value in challenge.items()}


async def enrol(
    world: World, device: KeyedDevice, *, person: str = "alice", **changes: object
) -> tuple[int, dict[str, object]]:
    challenge = await begin(world)
    token = str(changes.pop("token", "") or world.token(person, nonce=challenge["challenge_id"]))
    evidence = {
        "format": FORMAT,
        "challenge_id": challenge["challenge_id"],
        "payload": device.payload(digest(challenge, token=token)),
    }
    body = {"id_token": token, "evidence": evidence, "name": "laptop", **changes}
    return await world.post("/v1/enrolments", body, bearer=None)


async def proofs(world: World, device: KeyedDevice, *, person: str = "alice", count: int | None = None) -> dict:
    challenge, token = await world.challenge("board"), world.token(person)
    payload = device.payload(digest(challenge, token=token), count=count)
    evidence = {"format": FORMAT, "challenge_id": challenge["challenge_id"], "payload": payload}
    return {"conference": "board", "id_token": token, "evidence": [evidence]}


async def join(world: World, device: KeyedDevice, *, person: str = "alice", count: int | None = None) -> dict:
    return await world.join(await proofs(world, device, person=person, count=count))


def reason(body: Mapping[str, object]) -> str:
    reasons = body["reasons"]
    assert isinstance(reasons, list)
    return str(reasons[0]["code"])


async def change(world: World, device: KeyedDevice, *, state: str, person: str = "alice") -> int:
    headers = {"Authorization": f"Bearer {world.token(person)}"}
    async with world.session.patch(
        f"{world.url}/v1/devices/{device.id}", json={"state": state}, headers=headers
    ) as response:
        return response.status


async def test_an_enrolled_device_proves_itself_at_a_join(world: World) -> None:
    device = KeyedDevice()

    status, enrolled = await enrol(world, device)
    answer = await join(world, device)

    assert (status, enrolled["state"]) == (201, "active")
    assert answer["decision"] == "allow", answer


async def test_a_device_that_nobody_has_approved_proves_nothing(strict: World) -> None:
    device = KeyedDevice()

    _, enrolled = await enrol(strict, device)
    answer = await join(strict, device)

    assert enrolled["state"] == "pending"
    assert (answer["decision"], reason(answer)) == ("deny", Reason.DEVICE_PENDING.code)


async def test_a_device_that_was_never_enrolled_proves_nothing(world: World) -> None:
    answer = await join(world, KeyedDevice())

    assert reason(answer) == Reason.DEVICE_UNKNOWN.code


async def test_somebody_elses_device_proves_nothing(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device, person="bob")

    answer = await join(world, device, person="alice")

    assert reason(answer) == Reason.DEVICE_OWNER.code


@pytest.mark.parametrize(("state", "expected"), [("revoked", Reason.DEVICE_REVOKED), ("lost", Reason.DEVICE_LOST)])
async def test_a_device_that_was_given_up_proves_nothing_and_never_comes_back(
    world: World, state: str, expected: Reason
) -> None:
    device = KeyedDevice()
    await enrol(world, device)

    assert await change(world, device, state=state) == 200
    answer, (status, again) = await join(world, device), await enrol(world, device)

    assert reason(answer) == expected.code
    assert (status, reason(again)) == (403, expected.code)


async def test_a_ticket_is_void_once_its_device_is_revoked(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device)
    ticket = await world.ticket(await proofs(world, device))

    await change(world, device, state="revoked")
    answer = await world.join({"conference": "board", "ticket": ticket})

    assert (answer["decision"], reason(answer)) == ("deny", Reason.DEVICE_REVOKED.code)


async def test_nobody_gives_up_somebody_elses_device(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device)

    assert await change(world, device, state="revoked", person="mallory") == 403
    assert (await join(world, device))["decision"] == "allow"


async def test_a_device_whose_enrolment_has_ended_proves_nothing(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device)
    world.clock.move(days=90)

    assert reason(await join(world, device)) == Reason.DEVICE_EXPIRED.code


async def test_a_stolen_token_enrols_no_device_where_nobody_approves_it(world: World) -> None:
    status, body = await enrol(world, KeyedDevice(), token=world.token("alice"))

    assert (status, reason(body)) == (403, Reason.LOGIN_STALE.code)


async def test_a_session_of_last_week_enrols_no_device(world: World) -> None:
    challenge = await begin(world)
    signed_in = int(world.clock().timestamp()) - 7 * 24 * 3600
    token = world.token("alice", nonce=challenge["challenge_id"], auth_time=signed_in)

    payload = KeyedDevice().payload(digest(challenge, token=token))
    evidence = {"format": FORMAT, "challenge_id": challenge["challenge_id"], "payload": payload}
    status, body = await world.post(
        "/v1/enrolments", {"id_token": token, "evidence": evidence, "name": "x"}, bearer=None
    )

    assert (status, reason(body)) == (403, Reason.LOGIN_STALE.code)


async def test_a_challenge_to_join_enrols_nothing(world: World) -> None:
    challenge, device = await world.challenge("board"), KeyedDevice()
    token = world.token("alice", nonce=challenge["challenge_id"])
    payload = device.payload(digest({**challenge, "conference": ""}, token=token, purpose="enrol"))
    evidence = {"format": FORMAT, "challenge_id": challenge["challenge_id"], "payload": payload}

    status, body = await world.post(
        "/v1/enrolments", {"id_token": token, "evidence": evidence, "name": "x"}, bearer=None
    )

    assert (status, reason(body)) == (403, Reason.EVIDENCE_CHALLENGE.code)


async def test_a_challenge_to_enrol_admits_nobody(world: World) -> None:
    device, token = KeyedDevice(), world.token("alice")
    await enrol(world, device)
    challenge = await begin(world)
    payload = device.payload(digest({**challenge, "conference": "board"}, token=token, purpose="join"))
    evidence = {"format": FORMAT, "challenge_id": challenge["challenge_id"], "payload": payload}

    answer = await world.join({"conference": "board", "id_token": token, "evidence": [evidence]})

    assert reason(answer) == Reason.EVIDENCE_CHALLENGE.code


async def test_an_assertion_counts_once(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device)
    said = await proofs(world, device)

    first, second = await world.join(said), await world.join(said)

    assert (first["decision"], reason(second)) == ("allow", Reason.EVIDENCE_CHALLENGE.code)


@pytest.mark.parametrize(("count", "said"), [(2, Reason.EVIDENCE_COUNTER), (3, Reason.DEVICE_CLONED)])
async def test_a_counter_that_does_not_rise_shuts_both_keys_out(world: World, count: int, said: Reason) -> None:
    device = KeyedDevice(count=1)
    await enrol(world, device)
    assert (await join(world, device))["decision"] == "allow"

    clone = await join(world, device, count=count)
    original = await join(world, device)

    assert [reason(clone), reason(original)] == [said.code, Reason.DEVICE_CLONED.code]


async def test_a_key_that_devices_share_stands_for_none(world: World) -> None:
    status, body = await enrol(world, KeyedDevice(synced=True))

    assert (status, reason(body)) == (403, Reason.DEVICE_SYNCED.code)


async def test_of_devices_that_enrol_at_once_no_more_are_taken_than_a_person_may_have(world: World) -> None:
    answers = await asyncio.gather(*(enrol(world, KeyedDevice()) for _ in range(4)))

    assert sorted(status for status, _ in answers).count(201) == 2


async def test_a_key_is_enrolled_for_one_person_alone(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device)

    status, body = await enrol(world, device, person="mallory")

    assert (status, reason(body)) == (403, Reason.DEVICE_OWNER.code)


async def test_an_invitation_is_needed_and_an_invented_one_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, enrolment=EVIDENCE + 'approval = "invitation"') as world:
        _, without = await enrol(world, KeyedDevice())
        _, invented = await enrol(world, KeyedDevice(), invitation="vi_invented")

    assert reason(without) == Reason.INVITATION_NEEDED.code
    assert reason(invented) == Reason.INVITATION_REFUSED.code


async def test_people_see_their_own_devices_alone(world: World) -> None:
    await enrol(world, KeyedDevice())
    await enrol(world, KeyedDevice(), person="bob")

    headers = {"Authorization": f"Bearer {world.token('bob')}"}
    async with world.session.get(f"{world.url}/v1/devices", headers=headers) as response:
        devices = (await response.json())["devices"]

    assert [device["state"] for device in devices] == [DeviceState.ACTIVE.value]


async def test_evidence_over_two_challenges_is_refused(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device)
    first, second = await proofs(world, device), await proofs(world, device)

    answer = await world.join({**first, "evidence": [*first["evidence"], *second["evidence"]]})

    assert reason(answer) == Reason.EVIDENCE_CHALLENGE.code


async def test_a_signature_over_another_token_proves_nothing(world: World) -> None:
    device = KeyedDevice()
    await enrol(world, device)
    said = await proofs(world, device)

    answer = await world.join({**said, "id_token": world.token("alice")})

    assert reason(answer) == Reason.EVIDENCE_SIGNATURE.code


async def test_an_access_token_enrols_no_device(tmp_path: Path) -> None:
    takes_access = 'tokens = ["id", "access"]\nresource = "https://vestibule.example.com"'
    async with opened(tmp_path, idp=takes_access, enrolment=EVIDENCE + 'approval = "first-use"') as world:
        moment = int(world.clock().timestamp())
        claims = {
            "iss": world.acme.url,
            "sub": "alice",
            "aud": "https://vestibule.example.com",
            "client_id": "vestibule",
            "jti": "1",
            "iat": moment,
            "exp": moment + 300,
            "auth_time": moment - 60,
            "groups": ["staff"],
        }
        token = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": world.acme.key.kid}, claims, world.acme.key)

        status, refused = await enrol(world, KeyedDevice(), token=token)

        assert (status, reason(refused)) == (403, Reason.TOKEN_TYPE.code)
        assert (await world.join({"conference": "board", "access_token": token}))["decision"] != "deny"
