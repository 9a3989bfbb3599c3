"""A configuration that is replaced while the service runs: what counts at once, what stays, and what is refused."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plugin.shell.check import Checked, prepare
from plugin.shell.config import Config, read_config
from plugin.shell.reload import not_while_running
from plugin.shell.toml_reader import Problems
from tests.shell.parties import DeviceAuthority
from tests.shell.reloading import CLOSED, REFUSED, edit, listening, with_own_policies
from tests.shell.world import CALLER_TOKEN, PASSWORD, World, basic, write_configuration

CRL = 'crl_file = "device-ca.crl"'
PEXIP = '[pexip]\nusername = "pexip"\npassword_file = "secrets/pexip"\n'


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[World]:
    async with with_own_policies(tmp_path) as world:
        yield world


def codes(answer: dict) -> list[str]:
    return [reason["code"] for reason in answer["reasons"]]


def close(world: World) -> None:
    (world.folder / "policies" / "closed.cedar").write_text(CLOSED)


def read(file: Path) -> Config:
    config = read_config(file, problems=Problems(file=str(file), folder=file.parent))
    assert config is not None
    return config


def metric(world: World, name: str) -> float | None:
    return world.traces.metrics.registry.get_sample_value(name)


async def test_a_policy_that_forbids_applies_to_the_very_next_question(house: World) -> None:
    before = await house.service("townhall")
    close(house)
    await house.reloader.reload()

    after = await house.service("townhall")

    assert (before["action"], after["action"]) == ("continue", "reject")
    assert house.records[-1].bundle != house.records[-2].bundle


async def test_a_ticket_that_was_issued_earlier_is_judged_by_the_new_policies(house: World) -> None:
    ticket = await house.ticket(await house.proofs("board", token=house.token("alice")))
    close(house)
    await house.reloader.reload()

    room = await house.service("board", ticket=ticket)

    assert room["action"] == "reject"
    assert house.records[-1].reasons[0].message == "Closed for now."


async def test_a_ticket_survives_a_reload(house: World) -> None:
    ticket = await house.ticket(await house.proofs("board", token=house.token("alice")))
    await house.reloader.reload()

    assert (await house.service("board", ticket=ticket))["action"] == "continue"


async def test_a_ticket_of_a_provider_that_is_not_trusted_any_more_admits_nobody(house: World) -> None:
    laptop = house.authority.device("partners-laptop")
    token = house.partners.token("case", now=house.clock())
    ticket = await house.ticket(await house.proofs("summit", token=token, device=laptop))
    other = "https://elsewhere.example.net"
    edit(house.folder / "vestibule.toml", old=house.partners.url, new=other)
    await house.reloader.reload()

    room = await house.service("summit", ticket=ticket)

    assert house.gate.standing.is_current
    assert (room["action"], house.records[-1].reasons[0].code) == ("reject", "token-issuer")


async def test_a_device_of_an_authority_that_is_not_trusted_any_more_counts_for_nothing(house: World) -> None:
    laptop = house.authority.device("alice")
    ticket = await house.ticket(await house.proofs("board", token=house.token("alice"), device=laptop))
    other = DeviceAuthority("Another CA")
    (house.folder / "device-ca.pem").write_bytes(other.pem)
    edit(house.folder / "vestibule.toml", old='name = "acme-devices"', new='name = "new-devices"')
    await house.reloader.reload()

    room = await house.service("board", ticket=ticket)

    assert house.gate.standing.is_current
    assert (room["action"], house.records[-1].reasons[0].code) == ("reject", "evidence-chain")


async def test_a_challenge_survives_a_reload(house: World) -> None:
    laptop = house.authority.device("alice")
    proofs = await house.proofs("board", token=house.token("alice"), device=laptop)
    await house.reloader.reload()

    assert (await house.join(proofs))["decision"] == "allow"


async def test_a_token_that_has_counted_once_does_not_count_again_after_a_reload(house: World) -> None:
    proofs = await house.proofs("board", token=house.token("alice"))
    first = await house.join(proofs)
    await house.reloader.reload()

    second = await house.join(proofs)

    assert first["decision"] != "deny"
    assert codes(second) == ["token-replayed"]


async def test_a_caller_whose_token_was_taken_away_is_refused_at_once(house: World) -> None:
    (house.folder / "secrets" / "portal.token").write_text("another-token-0123456789\n")
    await house.reloader.reload()

    status, _ = await house.post("/v1/joins", {"conference": "townhall"}, bearer=CALLER_TOKEN)

    assert status == 401


async def test_a_caller_who_sends_its_body_across_the_change_gains_nothing_by_it(house: World) -> None:
    body = json.dumps({"conference": "townhall", "participant": {"display_name": "x", "protocol": "webrtc"}})
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    head = f"POST /v1/joins HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}Authorization: Bearer {CALLER_TOKEN}\r\n\r\n{body[:-1]}".encode())
    await writer.drain()
    await house.challenge("board")  # by now the head has been read
    (house.folder / "secrets" / "portal.token").write_text("another-token-0123456789\n")
    await house.reloader.reload()

    writer.write(body[-1:].encode())

    assert (await reader.read()).startswith(b"HTTP/1.1 401")
    assert house.records == []
    writer.close()


async def test_a_node_whose_password_was_changed_is_rejected_at_once(house: World) -> None:
    (house.folder / "secrets" / "pexip").write_text("another-password\n")
    await house.reloader.reload()

    assert (await house.service("townhall"))["action"] == "reject"
    assert (await house.pexip("service/configuration", password="another-password"))["action"] == "reject"
    assert (await house.pexip("service/configuration", password=PASSWORD))["reason"] == "caller-unauthenticated"


async def test_a_limit_that_was_lowered_counts_what_came_before(house: World) -> None:
    await house.challenge("board")
    edit(house.folder / "vestibule.toml", old="requests_per_minute = 100000", new="requests_per_minute = 1")
    await house.reloader.reload()

    status, _ = await house.post("/v1/challenges", {"conference": "board"}, bearer=None)

    assert status == 429


async def test_the_keys_of_a_provider_that_stays_are_not_fetched_again(house: World) -> None:
    await house.join(await house.proofs("board", token=house.token("alice")))
    house.acme.down = True
    edit(house.folder / "vestibule.toml", old=house.partners.url, new="https://elsewhere.example.net")
    await house.reloader.reload()

    decision = await house.join(await house.proofs("board", token=house.token("alice")))

    assert decision["decision"] != "deny"
    assert house.gate.standing.generation == 2


async def test_what_is_known_of_revocations_stays_where_the_authority_does(tmp_path: Path) -> None:
    async with with_own_policies(tmp_path, device_ca=CRL) as world:
        before = world.gate.house
        await world.reloader.reload()
        laptop = world.authority.device("alice")
        decision = await world.join(await world.proofs("board", token=world.token("alice"), device=laptop))

        assert world.gate.house is not before
        assert decision["decision"] == "allow"


async def test_a_question_under_way_ends_in_the_house_in_which_it_began(tmp_path: Path) -> None:
    checked: list[Checked] = []
    async with with_own_policies(tmp_path, look=lambda _: checked[0]) as house:
        close(house)
        checked.append(prepare(tmp_path / "vestibule.toml"))
        house.acme.hanging = True
        asked = asyncio.create_task(house.join(await house.proofs("board", token=house.token("alice"))))
        await house.acme.asked.wait()
        await house.reloader.reload()
        room = await house.service("townhall")
        house.acme.let_go.set()

        assert (await asked)["decision"] != "deny"
        assert room["action"] == "reject"


async def test_a_faulty_configuration_is_refused_whole_and_the_old_one_decides(house: World) -> None:
    close(house)
    edit(house.folder / "vestibule.toml", old='house = ["acme"]', new='hause = ["acme"]')

    await house.reloader.reload()

    assert (await house.service("townhall"))["action"] == "continue"
    assert not house.gate.standing.is_current


async def test_a_refused_configuration_is_told_to_whoever_asks_how_it_stands(house: World) -> None:
    (house.folder / "policies" / "closed.cedar").write_text("forbid (principal")
    await house.reloader.reload()

    async with house.session.get(f"{house.url}/readyz") as response:
        assert response.status == 200
        assert (await response.json())["configuration"] == "refused"


async def test_every_problem_of_a_refused_configuration_is_said_with_its_file_and_place(house: World) -> None:
    (house.folder / "policies" / "closed.cedar").write_text("permit (principal, action);")
    edit(house.folder / "vestibule.toml", old='classification = "internal"', new="classification = 7")
    with listening() as heard:
        await house.reloader.reload()
        said = [await heard.next() for _ in house.gate.standing.problems]

    assert all(line.startswith(REFUSED) for line in said)
    assert any("vestibule.toml: conference[0].classification: got `7`" in line for line in said)
    assert any("closed.cedar:1" in line for line in said)


async def test_metrics_say_how_what_decides_stands_to_the_files(house: World) -> None:
    edit(house.folder / "vestibule.toml", old="[store]", new="[stroe]")
    await house.reloader.reload()
    refused = {name: metric(house, f"vestibule_config_{name}") for name in ("is_current", "generation")}
    since = metric(house, "vestibule_config_refused_timestamp_seconds")
    edit(house.folder / "vestibule.toml", old="[stroe]", new="[store]")
    house.clock.move(seconds=5)
    await house.reloader.reload()

    assert refused == {"is_current": 0, "generation": 1}
    assert {name: metric(house, f"vestibule_config_{name}") for name in refused} == {"is_current": 1, "generation": 2}
    assert since == house.clock().timestamp() - 5
    assert metric(house, "vestibule_config_loaded_timestamp_seconds") == house.clock().timestamp()


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("127.0.0.1:0", "127.0.0.1:1", "server.listen"),
        ("vestibule.example.com", "other.example.com", "server.public_url"),
        ("[server]", '[server]\ntenant = "other"', "server.tenant"),
        ("state/vestibule.db", "state/other.db", "store.url"),
        ("[telemetry]", '[telemetry]\nendpoint = "https://collector.example.com"', "telemetry.endpoint"),
        ("[telemetry]", '[records]\npseudonym_key_file = "secrets/portal.token"\n[telemetry]', "records.pseudonym_key"),
        (PEXIP, "", "pexip"),
    ],
)
def test_what_cannot_change_while_running_is_named(tmp_path: Path, old: str, new: str, key: str) -> None:
    authority = DeviceAuthority()
    file = write_configuration(tmp_path, acme="https://a.example", partners="https://b.example", authority=authority)
    before = read(file)
    edit(file, old=old, new=new)

    (problem,) = not_while_running(before, read(file))

    assert f"vestibule.toml: {key}: changed, expected a restart" in problem
    assert CALLER_TOKEN not in problem


async def test_a_change_that_needs_a_restart_is_refused_with_everything_beside_it(house: World) -> None:
    close(house)
    edit(house.folder / "vestibule.toml", old="[server]", new='[server]\ntenant = "other"')

    await house.reloader.reload()

    assert (await house.service("townhall"))["action"] == "continue"
    assert not house.gate.standing.is_current


async def test_a_node_is_never_told_that_there_is_no_such_page(house: World) -> None:
    edit(house.folder / "vestibule.toml", old=PEXIP, new="")
    await house.reloader.reload()

    async with house.session.get(f"{house.url}/policy/v1/service/configuration", headers=basic()) as response:
        assert response.status == 200


async def test_a_check_that_breaks_changes_nothing_and_can_be_tried_again(house: World) -> None:
    shutil.move(house.folder / "policies", house.folder / "away")
    (house.folder / "policies").symlink_to("policies")  # a loop
    await house.reloader.reload()
    refused = house.gate.standing
    (house.folder / "policies").unlink()
    shutil.move(house.folder / "away", house.folder / "policies")

    await house.reloader.reload()

    assert not refused.is_current
    assert house.gate.standing.is_current


async def test_a_shut_gate_is_not_opened_by_a_reload(house: World) -> None:
    house.gate.house = None

    await house.reloader.reload()

    assert house.gate.house is None


async def test_files_that_change_while_they_are_read_are_not_believed(tmp_path: Path) -> None:
    def overtaken(file: Path) -> Checked:
        checked = prepare(file)
        (file.parent / "policies" / "closed.cedar").write_text(CLOSED)
        return checked

    async with with_own_policies(tmp_path, look=overtaken) as house:
        with listening() as heard:
            await house.reloader.reload()
            said = await heard.next()

    assert said.startswith(REFUSED)
    assert "changed while it was being read" in said
