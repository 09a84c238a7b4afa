"""The function dies before and after every single write: a retry or the sweep brings the same end about, nothing twice.

One loop over a table of flows. Each is first run undisturbed, which tells how often it writes and what it leaves; then
once for each of those writes and each way to die there.
"""

import base64
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.local import faults, state
from infra.local.portal import Portal
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import NOTICE

WRITES = ("TransactWriteItems", "UpdateItem", "PutItem", "SendMessage", "PutObject", "DeleteObject", "SendEmail")
# What is left of a record when ids, times and ciphertext are taken away.
LEFT = {
    "account": ("realm", "status"),
    "assignment": ("staff_id",),
    "client": ("legal_name", "status", "portal", "worrying", "preferred_name"),
    "client_audit": ("action",),
    "client_mail": ("template", "status"),
    "document": ("status", "category", "form_id", "signed_by", "shared", "file_type"),
    "intake": ("status", "worrying"),
    "intake_form": ("status", "form_id", "worrying"),
    "invite": ("status", "delivery", "generation"),
    "job": ("work", "status", "done", "skipped", "failed"),
    "match_entry": ("match_digest",),
    "notification": ("staff_id", "about", "worrying"),
    "section": ("section_id",),
    "signed_form": ("form_id",),
    "staff_mail": ("staff_id", "template", "status"),
    "upload": ("status", "purpose", "reason"),
}
SELF_MADE = ("session:create",)  # signing in again after a crash is a second session, and rightly audited


@dataclass(frozen=True)
class Flow:
    """`prepare` sets the scene and gives what `act` needs; `act` is what a person, or their browser, tries again."""

    prepare: Callable[[Any], Any]
    act: Callable[[Any, Any], Answer]
    done: tuple[int, ...]  # what trying again answers
    background: bool  # whether the queues' work belongs to it


def _invited(call: Any) -> Any:
    assert flows.invite(call("T4"), flows.client_id("C4"), NOTICE).status == 201
    call("T4").drain()
    return call("T4").get(f"/practice/clients/{flows.client_id('C4')}").json["invite"]["invite_id"]


def _linked(call: Any) -> str:
    _invited(call)
    return flows.link_in(flows.outbox()[-1])


def _filled(call: Any) -> str:
    intake_id = flows.send_packet("C1", NOTICE)
    flows.fill(call("C1"), intake_id, NOTICE)
    return intake_id


def _worried(call: Any) -> str:
    intake_id = flows.send_packet("C1", flows.QUESTIONNAIRE)
    flows.fill(call("C1"), intake_id, flows.QUESTIONNAIRE, suicide_thoughts="often")
    return intake_id


def _verb(verb: str) -> Callable[[Any, str], Answer]:
    def act(call: Any, invite_id: str) -> Answer:
        path = f"/practice/clients/{flows.client_id('C4')}/invites/{invite_id}/{verb}"
        answer: Answer = call("T4").post(path, key="the-very-same-key")
        return answer

    return act


def _redeem(call: Any, token: str) -> Answer:
    """Once it is done the link is used, and the new password opens the account."""
    answer = flows.redeem(call(), token, preferred_name="Wen")
    if answer.code != "invitation_used":
        return answer
    person = PEOPLE["C4"]
    body = {"slug": "oak", "kind": "client", "email": person.email, "password": flows.PASSWORD}
    signed_in: Answer = call().post("/sessions", body)
    return signed_in


_NEW_FILE: dict[str, Any] = {
    "legal_name": "Odile Fairweather", "birth_date": "1990-01-02", "email": "odile@mail.example",
    "therapist_ids": [flows.client_id("T1")],
}  # fmt: skip
_TABLE = {"file": base64.b64encode(b"Name,DOB\nAda Marlow,1/2/1980\nBruno Tessler,\n,\nX,99\n").decode()}


def _file(key: str, more: str = "") -> str:
    return f"/practice/clients/{flows.client_id(key)}{more}"


def _edited(staff: Caller, etag: str) -> Answer:
    """Somebody who gets 412 looks for the client, and finds them under the new name."""
    body = {"legal_name": "Beatrice Lindquist", "therapist_ids": [flows.client_id("T1")]}
    answer = staff.patch(_file("C3"), body, etag=etag)
    if answer.code != "stale":
        return answer
    found = staff.post("/practice/clients/search", {"search": "lindquist"})
    assert len(found.json["items"]) == 1
    return found


def _sent_file(call: Any) -> str:
    content = b"Dear practice, this is my plan's letter."
    ticket = call("C1").post("/portal/uploads", {"name": "letter.txt", "size": len(content), "category": "other"}).json
    assert flows.post_file(call("C1"), ticket, content).status == 204
    return str(ticket["upload_id"])


def _finish(client: Caller, upload_id: str) -> Answer:
    return client.post(f"/portal/uploads/{upload_id}/finish")


FLOWS: dict[str, Flow] = {
    "invite": Flow(
        lambda call: None,
        lambda call, _: flows.invite(call("T4"), flows.client_id("C4"), NOTICE, key="the-very-same-key"),
        (201,),
        True,
    ),
    "resend": Flow(_invited, _verb("resend"), (201,), True),
    "revoke": Flow(_invited, _verb("revoke"), (200,), False),
    "redeem": Flow(_linked, _redeem, (201,), False),
    "save": Flow(
        lambda call: flows.send_packet("C1", NOTICE),
        lambda call, intake_id: flows.save(call("C1"), intake_id, NOTICE, "acknowledgement", {"received": True}),
        (200,),
        False,
    ),
    "sign, seal, tell": Flow(
        _filled,
        lambda call, intake_id: flows.sign(call("C1"), intake_id, NOTICE, key="the-very-same-key"),
        (201,),
        True,
    ),
    "sign a worrying form": Flow(
        _worried,
        lambda call, intake_id: flows.sign(call("C1"), intake_id, flows.QUESTIONNAIRE, key="the-very-same-key"),
        (201,),
        True,
    ),
    "open a file": Flow(
        lambda call: None,
        lambda call, _: call("A1").post("/practice/clients", _NEW_FILE, key="the-very-same-key"),
        (201,),
        False,
    ),
    "change a file": Flow(
        lambda call: call("A1").get(_file("C3")).json["etag"],
        lambda call, etag: _edited(call("A1"), etag),
        (200,),
        False,
    ),
    "archive": Flow(_invited, lambda call, _: call("A1").post(_file("C4", "/archive")), (200,), False),
    "end access": Flow(lambda call: None, lambda call, _: call("A1").post(_file("C3", "/access/end")), (200,), False),
    "check what was sent": Flow(_sent_file, lambda call, upload_id: _finish(call("C1"), upload_id), (200,), True),
    "import": Flow(
        lambda call: None,
        lambda call, _: call("A1").post("/practice/imports", _TABLE, key="the-very-same-key"),
        (202,),
        True,
    ),
    "change the profile": Flow(
        lambda call: call("C1").get("/portal/profile").json["etag"],
        lambda call, etag: _changed(call("C1"), etag),
        (200,),
        False,
    ),
}  # fmt: skip
THOROUGH = ("invite", "redeem", "save", "sign, seal, tell")


def _changed(client: Caller, etag: str) -> Answer:
    """A browser that gets 412 reads what is there, and sees its own change."""
    answer = client.patch("/portal/profile", {"preferred_name": "Imo"}, etag=etag)
    return client.get("/portal/profile") if answer.code == "stale" else answer


def _end() -> Counter[Any]:
    """What there is, without what differs from run to run."""
    found: Counter[Any] = Counter()
    for item in flows.stored(*LEFT):
        if item.get("action") not in SELF_MADE:
            found[item["kind"], *(str(item.get(name)) for name in LEFT[item["kind"]])] += 1
    return found


def _sent() -> Counter[Any]:
    return Counter((tuple(mail["to"]), mail["subject"]) for mail in flows.outbox())


def _unsettled() -> int:
    """Mails that a worker had in its hands when it died: whether SES took them, nobody can know."""
    return sum(item["status"] == "sending" for item in flows.stored("client_mail", "staff_mail"))


def _recover(portal: Portal) -> None:
    """What the schedule does in the minutes that follow."""
    faults.clear()
    for _ in range(2):
        portal.pump.drain()
        portal.clock.advance(200)
    portal.pump.drain()


@dataclass
class Run:
    """How a flow went."""

    writes: dict[str, int]
    end: Counter[Any]
    sent: Counter[Any]


def _undisturbed(flow: Flow, call: Any, portal: Portal, scene: Any) -> Run:
    counting = {operation: faults.add(operation, "throttle", 1, 10**6) for operation in WRITES}
    answer = flow.act(call, scene)
    assert answer.status in flow.done, answer
    if flow.background:
        portal.pump.drain()
    writes = {operation: counter.seen for operation, counter in counting.items()}
    _recover(portal)
    return Run(writes, _end(), _sent())


def _deaths(run: Run) -> Iterator[tuple[str, int, faults.Kind]]:
    for operation, count in run.writes.items():
        for number in range(count):
            yield operation, number, "crash_before"
            yield operation, number, "crash_after"


@pytest.mark.parametrize("name", FLOWS)
def test_a_crash_at_any_write_leaves_what_no_crash_leaves(name: str, world: World, call: Callable[..., Caller]) -> None:
    flow, portal = FLOWS[name], world.portal
    scene = flow.prepare(call)
    taken, at = state.snapshot(state.CHANGING), portal.clock.now()
    good = _undisturbed(flow, call, portal, scene)
    assert sum(good.writes.values()) > 0
    wrong = []
    for operation, number, kind in _deaths(good):
        state.restore(taken)
        portal.clock.set(at)
        planned = faults.add(operation, kind, 1, number)
        flow.act(call, scene)
        if flow.background:
            portal.pump.drain()
        died, unsettled = planned.failed, _unsettled()
        faults.clear()
        again = flow.act(call, scene)
        _recover(portal)
        where = f"{kind} of {operation} {number + 1}"
        if not died:
            wrong.append(f"{where}: never came")
        if again.status not in flow.done:
            wrong.append(f"{where}: trying again answers {again.status} {again.code}")
        if (end := _end()) != good.end:
            wrong.append(f"{where}: left {dict(end - good.end)} instead of {dict(good.end - end)}")
        sent = _sent()
        if good.sent - sent or (sent - good.sent).total() > unsettled:
            wrong.append(f"{where}: mailed {dict(sent)}, not {dict(good.sent)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", ["throttle", "conflict"])
@pytest.mark.parametrize("name", THOROUGH)
def test_what_passes_by_itself_is_tried_again(
    name: str, kind: faults.Kind, world: World, call: Callable[..., Caller]
) -> None:
    """Throttled or in conflict once: nobody notices."""
    flow, portal = FLOWS[name], world.portal
    scene = flow.prepare(call)
    faults.add("TransactWriteItems", kind, 1)
    answer = flow.act(call, scene)
    assert answer.status in flow.done, answer
    _recover(portal)
    assert not [each for each in faults.planned() if not each["failed"]]


def test_a_conflict_that_stays_is_said_to_be_one(world: World, call: Callable[..., Caller]) -> None:
    """503 with a time to come back, and never a state (already invited) that nothing is in."""
    faults.add("TransactWriteItems", "conflict", 50)
    answer = FLOWS["invite"].act(call, None)
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "busy", "1")
    faults.clear()
    assert FLOWS["invite"].act(call, None).status == 201


def test_a_read_that_cannot_be_audited_is_not_answered(world: World, call: Callable[..., Caller]) -> None:
    staff = call("T1")
    path = f"/practice/clients/{world.id('C1')}"
    assert staff.get(path).status == 200
    for operation in ("PutItem", "TransactWriteItems"):
        faults.add(operation, "throttle", 50)
    answer = staff.get(path)
    faults.clear()
    assert answer.status == 503
    assert world.person("C1").name.encode() not in answer.body
