"""A provider whose tokens have to carry a nonce of ours: none that an app holds for itself is worth anything here."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from plugin.core.reasons import Reason
from plugin.flow.enrolment import KIND_INVITATION, hash_of
from tests.devices import KeyedDevice
from tests.shell.test_enrolment import EVIDENCE, begin, enrol, reason
from tests.shell.test_held_tokens import JKT, held
from tests.shell.world import World, opened

INVITATION = "vi_" + "a" * 27


@pytest_asyncio.fixture
async def strict(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, idp="nonce_required = true", enrolment=EVIDENCE + 'approval = "invitation"') as world:
        yield world


async def test_a_key_that_an_app_holds_makes_no_token_ours(strict: World) -> None:
    token = strict.token("alice", cnf={"jkt": JKT})

    answer = await strict.join(await held(strict, token=token))

    assert (answer["decision"], reason(answer)) == ("deny", Reason.TOKEN_NONCE.code)


async def test_an_invitation_makes_no_token_ours(strict: World) -> None:
    invited = {"owner": f"{strict.acme.url}#alice"}
    until = strict.clock() + timedelta(days=1)
    assert strict.gate.house is not None
    await strict.gate.house.store.put(KIND_INVITATION, hash_of(INVITATION), invited, expires_at=until)
    token = strict.token("alice", client_id="vestibule")  # what cannot be told from an ID token

    status, refused = await enrol(strict, KeyedDevice(), token=token, invitation=INVITATION)

    assert (status, reason(refused)) == (403, Reason.LOGIN_STALE.code)


@pytest.mark.parametrize("minted", [True, False])
async def test_devices_are_shown_for_a_token_that_was_minted_for_us_alone(strict: World, minted: bool) -> None:
    challenge = await begin(strict)
    token = strict.token("alice", nonce=challenge["challenge_id"] if minted else "an-apps-own")
    headers = {"Authorization": f"Bearer {token}"}

    async with strict.session.get(f"{strict.url}/v1/devices", headers=headers) as response:
        assert response.status == (200 if minted else 403)
