"""Due work that cannot be done: it holds up nothing else, and is not asked for without end (DESIGN.md, Due work)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.models.connection import client
from chalicelib.models.intakes import IntakeForm
from chalicelib.models.mails import ClientMail, StaffMail
from chalicelib.models.table import due_key
from chalicelib.services import documents, due
from infra.local import cloud, faults
from tests import flows
from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.flows import NOTICE


def _put(pk: str, sk: str, kind: str, **more: str) -> None:
    """A record straight into the table, due a minute ago, whatever it is."""
    duepk, duesk = due_key(pk, sk, kind, clock.now() - timedelta(minutes=1))
    values = {"pk": pk, "sk": sk, "kind": kind, "tenant_id": "T", "duepk": duepk, "duesk": duesk, **more}
    client().put_item(TableName=cloud.PREFIX, Item={name: {"S": value} for name, value in values.items()})


def _at(pk: str, sk: str) -> dict[str, Any]:
    (found,) = [each for each in flows.stored() if (each["pk"], each["sk"]) == (pk, sk)]
    return found


def _waiting_mail() -> dict[str, Any]:
    (found,) = [each for each in flows.stored("client_mail") if each["status"] == "queued"]
    return found


@pytest.fixture
def mail(world: World, call: Callable[..., Caller]) -> dict[str, Any]:
    """An invitation whose message to the queue was lost; it is due, and the clock has come to it."""
    faults.add("SendMessage", "crash_before", 10)
    flows.invite(call("T4"), flows.client_id("C4"), NOTICE)
    faults.clear()
    world.portal.clock.advance(120)
    return _waiting_mail()


@pytest.fixture(autouse=True)
def _still(world: World) -> Any:
    """The pump keeps still while a test looks."""
    with world.portal.pump.exclusively():
        yield


def _beside(mail: dict[str, Any], number: int) -> tuple[str, str]:
    """A place in the same shard of the index, before this mail."""
    places = (("T#X", f"THING#{n}") for n in range(10_000))
    same = [each for each in places if due_key(*each, "x", clock.now())[0] == mail["duepk"]]
    return same[number]


def test_a_kind_that_nobody_knows_holds_up_nothing(world: World, mail: dict[str, Any]) -> None:
    unknown = [_beside(mail, number) for number in range(3)]
    for place in unknown:
        _put(*place, "from_the_future", duesk=f"{clock.text(clock.now() - timedelta(hours=1))}#from_the_future#1")
    assert due.run() == 4
    assert flows.waiting("mail") == 1
    assert due.run() == 0, "what cannot be done is put back, not asked for at every minute"
    world.portal.clock.advance(int(due.AGAIN.total_seconds()) + 1)
    assert due.run() == 4
    assert {_at(*place)["kind"] for place in unknown} == {"from_the_future"}


def test_much_that_cannot_be_done_does_not_fill_the_head_of_a_shard(
    mail: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "AT_ONCE", 2)
    for number in range(4):
        early = clock.text(clock.now() - timedelta(hours=1))
        _put(*_beside(mail, number), "from_the_future", duesk=f"{early}#from_the_future#{number}")
    assert [due.run() for _ in range(4)] == [2, 2, 1, 0]
    assert flows.waiting("mail") == 1


def test_an_entry_that_names_no_kind_holds_up_nothing(mail: dict[str, Any]) -> None:
    _put(*_beside(mail, 0), "odd", duesk=clock.text(clock.now() - timedelta(hours=1)))
    assert due.run() == 2
    assert flows.waiting("mail") == 1
    assert due.run() == 0


def test_work_that_fails_is_tried_later_and_the_others_now(
    world: World, mail: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def failing(pk: str, sk: str, now: Any) -> None:
        tries.append(sk)
        raise RuntimeError

    monkeypatch.setitem(due.WORK, "poison", failing)
    place = _beside(mail, 0)
    _put(*place, "poison", duesk=f"{clock.text(clock.now() - timedelta(hours=1))}#poison#1")
    assert (due.run(), due.run()) == (2, 0)
    assert (tries, flows.waiting("mail")) == ([place[1]], 1)
    world.portal.clock.advance(int(due.AGAIN.total_seconds()) + 1)
    due.run()
    assert tries == [place[1]] * 2


def test_work_that_has_put_itself_back_is_left_where_it_put_itself(
    world: World, mail: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep that failed after its own rescheduling comes again in its own time."""
    faults.add("SendMessage", "crash_before", 1)
    world.portal.pump.invoke("on_schedule")
    faults.clear()
    assert _waiting_mail()["duesk"] > mail["duesk"]
    world.portal.clock.advance(61)
    assert due.run() == 1
    assert flows.waiting("mail") == 1


@pytest.mark.parametrize("kind", [ClientMail.KIND, StaffMail.KIND, IntakeForm.KIND])
def test_a_record_that_is_gone_is_no_work(kind: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index may show for a moment what is no longer there."""
    before = flows.stored()
    monkeypatch.setattr(due, "due_before", lambda now, shard, most: [("T#GONE", "GONE#1", kind)] if shard == 3 else [])
    assert due.run() == 1
    assert flows.stored() == before, "nothing comes into being at the key of what is gone"
    assert (flows.waiting("mail"), flows.waiting("sealing")) == (0, 0)


@pytest.mark.parametrize("kind", ["from_the_future", "poison"])
def test_what_is_gone_and_fails_does_not_come_back(kind: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = flows.stored()
    monkeypatch.setattr(due, "due_before", lambda now, shard, most: [("T#GONE", "GONE#1", kind)] if shard == 3 else [])
    assert due.run() == 1
    assert flows.stored() == before


@pytest.mark.parametrize("gone", ["client", "intake", "signed_form"])
def test_a_form_whose_packet_is_gone_is_not_asked_for_without_end(
    gone: str, world: World, call: Callable[..., Caller]
) -> None:
    intake_id, document_id = flows.signed_document(call("C1"), "C1")
    (item,) = [
        each
        for each in flows.stored(gone)
        if each.get("client_id") == PEOPLE["C1"].id and (gone == "client" or each["intake_id"] == intake_id)
    ]
    client().delete_item(TableName=cloud.PREFIX, Key={name: {"S": item[name]} for name in ("pk", "sk")})
    documents.seal(world.tenant_id("oak"), PEOPLE["C1"].id, intake_id, NOTICE)
    (form,) = [each for each in flows.stored("intake_form") if each["intake_id"] == intake_id]
    assert (form["status"], form.get("duepk"), form.get("duesk")) == ("signed", None, None)
    world.portal.clock.advance(3600)
    assert due.run() == 0
    assert [each["status"] for each in flows.stored("document") if each["document_id"] == document_id] == ["sealing"]


def test_a_mail_whose_recipient_is_gone_is_dropped(world: World, mail: dict[str, Any]) -> None:
    from chalicelib.services import mails

    place = {"pk": {"S": f"TENANT#{world.tenant_id('oak')}#CLIENT#{PEOPLE['C4'].id}"}, "sk": {"S": "CLIENT"}}
    client().delete_item(TableName=cloud.PREFIX, Key=place)
    mails.deliver(mail["pk"], mail["sk"])
    left = _at(mail["pk"], mail["sk"])
    assert (left["status"], left.get("duepk")) == ("dropped", None)
    assert flows.outbox() == []
