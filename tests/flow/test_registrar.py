"""What is written down of a registration, and that nothing is told that cannot be."""

import json
import logging
from datetime import timedelta

import msgspec
import pytest

from plugin.core.reasons import Reason
from plugin.core.record import DecisionRecord
from plugin.core.registration import (
    Auth,
    NotRegistered,
    Password,
    Registered,
    Registration,
    RegistrationEntry,
    RegistrationRequest,
)
from plugin.flow.ledger import Ledger
from plugin.flow.registrar import Registrar
from tests.fakes import HandClock, MemoryStore
from tests.flow.recorded import BUDGET, Recorded

PASSWORD = "password-of-the-kiosks"
KIOSK = RegistrationRequest(alias="kiosk@rooms.example.com", protocol="sip", auth=Auth.CREDENTIALS, address="192.0.2.7")
STRANGER = RegistrationRequest(alias="eve@example.com", protocol="sip", auth=Auth.CREDENTIALS, address="192.0.2.8")
ENTRY = RegistrationEntry(
    place="registration[0]",
    alias="*@rooms.example.com",
    org="acme",
    proof=Password(username="kiosk", password=PASSWORD),
)


class Office:
    """A registrar with everything around it."""

    def __init__(self) -> None:
        self.store, self.recorded, self.told = MemoryStore(), Recorded(), list[DecisionRecord]()
        ledger = Ledger(
            store=self.store,
            clock=HandClock(),
            pseudonym_key=b"k" * 32,
            random_bytes=lambda length: b"\1" * length,
            keep=timedelta(days=1),
            listeners=(self.told.append,),
        )
        self._registrar = Registrar(entries=(ENTRY,), ledger=ledger, tracing=self.recorded.tracing, clock=HandClock())

    async def ask(self, request: RegistrationRequest, *, credential: str = "") -> Registration:
        return await self._registrar.answer(request, platform="pexip", budget=BUDGET, credential=credential)


@pytest.fixture
def office() -> Office:
    return Office()


async def test_what_is_told_is_on_record_first(office: Office) -> None:
    registration = await office.ask(KIOSK)

    assert isinstance(registration, Registered)
    ((text, _),) = office.store.entries.values()
    record = json.loads(text)
    assert (record["phase"], record["outcome"], record["platform"]) == ("registration", "allow", "pexip")
    assert [mark["code"] for mark in record["reasons"]] == ["registration-known"]
    assert record["reasons"][0]["detail"] == "by `registration[0]`"


async def test_a_refusal_is_on_record_too(office: Office) -> None:
    registration = await office.ask(STRANGER)

    assert isinstance(registration, NotRegistered)
    assert [(record.outcome, record.reasons[0].code) for record in office.told] == [("deny", "registration-unknown")]


async def test_a_password_that_cannot_be_accounted_for_is_not_told(office: Office) -> None:
    office.store.broken = True

    registration = await office.ask(KIOSK)

    assert isinstance(registration, NotRegistered)
    assert registration.reason.reason is Reason.STORE_UNAVAILABLE
    assert office.told[-1].outcome == "deny"
    assert office.recorded["vestibule.write"].attributes == {"vestibule.outcome": "deny"}


async def test_a_refusal_that_cannot_be_written_down_stays_one(office: Office) -> None:
    office.store.broken = True

    await office.ask(STRANGER)

    assert office.told[-1].reasons[0].code == "registration-unknown"


async def test_a_registration_is_a_trace_of_its_own(office: Office) -> None:
    await office.ask(KIOSK, credential="next")

    root = office.recorded["vestibule.registration"]
    assert root.attributes is not None
    assert root.attributes["vestibule.outcome"] == "allow"
    assert root.attributes["vestibule.phase"] == "registration"
    assert root.attributes["vestibule.caller.credential"] == "next"
    assert {span.name for span in office.recorded.all if span.parent} == {
        "vestibule.read",
        "vestibule.judge",
        "vestibule.write",
    }


@pytest.mark.parametrize("request_", [KIOSK, STRANGER])
async def test_neither_password_nor_alias_nor_address_is_left_behind(
    office: Office, request_: RegistrationRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    await office.ask(request_)

    logs = [str(vars(record)) for record in caplog.records]
    spans = [span.to_json() for span in office.recorded.all]
    records = [msgspec.json.encode(record).decode() for record in office.told]
    left_behind = "\n".join([*logs, *spans, *records, *(text for text, _ in office.store.entries.values())])
    assert logs
    assert [secret for secret in (PASSWORD, request_.alias, request_.address) if secret in left_behind] == []
