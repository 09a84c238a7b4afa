"""The function dies before and after every single write: a retry or the sweep brings the same end about, nothing twice.

One loop over a table of flows. Each is first run undisturbed, which tells how often it writes and what it leaves; then
once for each of those writes and each way to die there.
"""

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import ids
from chalicelib.config import settings
from infra.local import faults, levers, state, stripe_double
from infra.local import world as demo
from infra.local.portal import Portal
from tests import billing, booking, flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import NOTICE
from tests.integration.test_uploads import pdf

ELSEWHERE = "immy@elsewhere.example"
WRITES = ("TransactWriteItems", "UpdateItem", "PutItem", "SendMessage", "PutObject", "DeleteObject", "SendEmail")
WRITES += ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")
# What is left of a record when ids, times and ciphertext are taken away.
LEFT = {
    "invoice": ("status", "phase", "number", "balance", "settled", "payment_id"),
    "invoice_numbers": ("last",),
    "numbered_invoice": ("number",),
    "ledger": ("balance", "credit", "entries"),
    "ledger_entry": ("entry", "amount"),
    "payment": ("status", "amount", "refunded", "by_hand", "refunding", "telling"),
    "intent": ("payment_id",),
    "planned_charge": ("status", "amount"),
    "refund_request": ("amount", "refused"),
    "appointment": ("status", "start", "late", "ended_by"),
    "bookings": ("client_id",),
    "group": ("status", "start", "capacity"),
    "series": ("every_weeks",),
    "group_series": ("every_weeks",),
    "client_day": ("day",),
    "therapist_day": ("day",),
    "account": ("realm", "status", "email_digest"),
    "account_mail": ("template", "status"),
    "assignment": ("staff_id",),
    "client": ("source", "legal_name", "status", "portal", "unseen", "preferred_name", "email", "era"),
    "client_audit": ("action",),
    "client_mail": ("template", "status", "delivery"),
    "document": ("status", "category", "form_id", "signed_by", "seen_by_name", "shared", "file_type"),
    "export": ("status", "what"),
    "intake": ("status", "worrying", "reminders", "gsi2pk"),
    "match_entry": ("match_digest",),
    "intake_form": ("status", "form_id", "worrying"),
    "invite": ("status", "delivery", "generation"),
    "job": ("work", "status", "done", "skipped", "failed", "position"),
    "notification": ("staff_id", "about", "worrying"),
    "pace": ("sendings",),
    "receipt": ("number", "outcome"),
    "section": ("section_id",),
    "administrators": ("active",),
    "form": ("form_id",),
    "link": ("purpose", "status", "generation"),
    "signed_form": ("form_id",),
    "signup": ("status",),
    "slug": ("slug",),
    "staff": ("name", "status", "seat", "roles"),
    "staff_card": ("name",),
    "subscription_change": ("what", "value"),
    "tenant": ("slug", "status", "plan"),
    "tenant_audit": ("action",),
    "suppression": ("reason",),
    "wording": ("version",),
    "staff_mail": ("staff_id", "template", "status"),
    "upload": ("status", "purpose", "reason"),
    "wait": ("status", "start", "ended_as"),
    "wait_list": ("staff_id", "freed"),
    "attachment": ("number", "file_type"),
    "contact_entry": ("way", "number"),
    "message": ("number", "sender_id"),
    "staff_box": ("staff_id", "folder", "unread", "read_to"),
    "thread": ("topic", "folder", "unread", "read_to", "last", "members"),
    "thread_opening": ("staff_id",),
    "thread_print": ("status", "asked_kind"),
}
SECOND_DEVICE = "new_device"  # nor what its holder is told of that other device
SECOND_DEVICE_MAIL = "A new sign-in to your account"
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


def _held(call: Any) -> Any:
    settings.__dict__["hold_seconds"] = 30  # frozen for everyone else
    try:
        return flows.invite(call("T4"), flows.client_id("C4"), NOTICE, hold=True).json["invite_id"]
    finally:
        settings.__dict__["hold_seconds"] = 0


def _listed(call: Any) -> str:
    client = flows.new_file("oak", "CR", "Crash Person", email="bounce.cr@mail.example")
    assert flows.invite(call("A1"), client).status == 201
    call("A1").drain()
    return client


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


def _flagged(call: Any) -> str:
    answer = flows.sign(call("C1"), _worried(call), flows.QUESTIONNAIRE)
    call("T1").drain()
    return str(answer.json["document_id"])


def _seen(document_id: str) -> str:
    return f"/practice/clients/{flows.client_id('C1')}/documents/{document_id}/seen"


def _overdue(call: Any) -> None:
    """A packet whose first reminder is due now: what reminds of it is the schedule alone."""
    admin = call("A1")
    etag = admin.get("/practice/settings").json["etag"]
    rule = {"reminders": {"on": True, "first_days": 1, "every_days": 30}}
    assert admin.patch("/practice/settings", rule, etag=etag).status == 200
    assert admin.post(_packets("C1"), {"form_ids": [NOTICE]}).status == 201
    admin.drain()
    admin.clock.advance(86_460)


def _scanned(call: Any) -> dict[str, Any]:
    """A packet that is begun, and the clean scan of what was signed on paper instead."""
    intake_id = _filled(call)
    scan = flows.uploaded(
        call("A1"), f"/practice/clients/{flows.client_id('C1')}", "scan.pdf", pdf(), purpose="paper_form"
    )
    call("A1").drain()
    told = {"signed_by": "Imogen Thistlewood", "relationship": "self", "signed_on": "2026-01-14"}
    return {"form_id": NOTICE, "intake_id": intake_id, "upload_id": scan["upload_id"], **told}


def _bill(call: Any) -> dict[str, Any]:
    return billing.issued(call("A1"), "C1")


def _draft_bill(call: Any) -> str:
    return str(billing.draft(call("A1"), "C1").json["invoice_id"])


def _pay(call: Any, bill: Any) -> Answer:
    """Begin, pay on Stripe's page, come back; a browser that lost the answer sends the same again."""
    answer = billing.start(call("C1"), bill, key="the-very-same-key")
    if answer.status == 201 and answer.json["address"]:
        billing.at_checkout(answer.json["address"])
    return answer


def _at_the_page(call: Any) -> dict[str, Any]:
    """Somebody sits before Stripe's page, and has not paid."""
    bill = _bill(call)
    assert billing.start(call("C1"), bill).status == 201
    return bill


def _void(call: Any, bill: Any) -> Answer:
    path = f"/practice/clients/{flows.client_id('C1')}/invoices/{bill['invoice_id']}/void"
    answer: Answer = call("A1").post(path, {"reason": "Mistake"}, key="the-very-same-key")
    return answer


def _maybe_charged(call: Any) -> dict[str, Any]:
    """A saved card was to be charged, and Stripe did not answer."""
    client = call("C1")
    billing.paid(client, _bill(call), save_card=True)
    (card,) = client.get("/portal/cards").json["items"]
    bill = _bill(call)
    client.drain()  # what the scene mails is no part of the flow
    billing.lever(client, down=2)
    assert billing.start(client, bill, card_id=card["card_id"]).status == 503
    return bill


def _paid(call: Any) -> dict[str, Any]:
    paid = billing.paid(call("C1"), _bill(call))
    call("A1").drain()  # what the scene mails is no part of the flow
    return paid


def _told_one_by_mail(call: Any) -> dict[str, Any]:
    """A payment whose news four people have in the app, and one of them by mail: more mails are more of the same."""
    paid = _paid(call)
    choices = {"muted": ["payment_disputed", "refund_failed"]}
    for key in ("A2", "T1", "T3"):
        assert call(key).api("PUT", "/practice/notification-choices", choices).status == 200
    return paid


def _disputed(call: Any) -> dict[str, Any]:
    """A payment that the bank has taken back, of which nobody here has heard yet."""
    paid = _told_one_by_mail(call)
    billing.lever(call("C1"), dispute=billing.intent_of(paid))
    billing.lever(call("C1"), forget=True)
    return paid


def _coming_back(call: Any) -> None:
    """A refund that was made and booked; the bank has returned it, and nobody here has heard yet."""
    paid = _told_one_by_mail(call)
    assert billing.refund(call("A1"), "C1", paid, 500, etag=paid["etag"]).status == 202
    call("A1").drain()
    (made,) = [each["id"] for each in stripe_double.backend().book("acct_oak_demo").of("refund")]
    billing.lever(call("C1"), fail_refund=made)


def _by_itself(call: Any) -> None:
    """An invoice that the saved card is to pay now; two at once would be two notices. What was added to it after the
    notice is announced anew."""
    client = call("C1")
    billing.paid(client, _bill(call), save_card=True)
    (card,) = client.get("/portal/cards").json["items"]
    assert client.api("PUT", "/portal/autopay", {"card_id": card["card_id"]}).status == 200
    bill = _bill(call)
    client.drain()
    more = {"amount": 800, "reason": "A longer session"}
    assert billing.on(call("A1"), "C1", bill["invoice_id"], "adjustment", more).status == 200
    client.clock.advance(30 * 86_400)


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


def _reset_ready(call: Any) -> str:
    return flows.reset_link(call(), "C1")


def _reset(call: Any, token: str) -> Answer:
    """Once it is done the link is used, and the new password opens the account."""
    answer: Answer = call().post("/password-resets/redemption", {"token": token, "password": flows.PASSWORD})
    return answer if answer.code != "link_used" else _signed_in(call, PEOPLE["C1"].email, flows.PASSWORD)


def _address_ready(call: Any) -> str:
    assert call("C1").post("/account/email", {"email": ELSEWHERE}).status == 202
    call("C1").drain()
    return flows.token_in(flows.outbox()[-1], "email")


def _move(call: Any, token: str) -> Answer:
    """Once it is done the link is used, and the new address opens the account."""
    answer: Answer = call().post("/email-changes/redemption", {"token": token})
    closed = ("link_used", "link_expired")
    return answer if answer.code not in closed else _signed_in(call, ELSEWHERE, PEOPLE["C1"].password)


def _signed_in(call: Any, email: str, password: str) -> Answer:
    body = {"slug": "oak", "kind": "client", "email": email, "password": password, "bearer": True}
    answer: Answer = call().post("/sessions", body)
    return answer


STAFF_ADDRESS = "wanda@staff.example"
NEW_STAFF = {"name": "Wanda Early", "email": STAFF_ADDRESS, "roles": ["administrator", "therapist"], "seat": True}
NEW_PRACTICE = {
    "key": "k" * 40, "slug": "willow-room", "name": "Willow Room", "zone": "America/Denver", "country": "US",
    "phone": "(303) 555-0100", "administrator": "Wanda Early", "email": STAFF_ADDRESS,
}  # fmt: skip


CORRECTED = {"to": "w.early@staff.example", "attempt": "a" * 40}


def _practice_signed_up(call: Any) -> None:
    assert call().post("/practice-sign-up", NEW_PRACTICE).status == 202
    call().drain()


def _staff_invited(call: Any) -> str:
    answer = call("A1").post("/practice/staff", NEW_STAFF)
    assert answer.status == 201, answer
    call("A1").drain()
    return str(answer.json["staff_id"])


def _staff_linked(call: Any) -> str:
    _staff_invited(call)
    return flows.staff_token(call(), STAFF_ADDRESS)


def _join_staff(call: Any, token: str) -> Answer:
    """Once it is done the link is used, and password and authenticator open the account."""
    from chalicelib.services import accounts

    secret = accounts.derived_totp_secret(*token.split(".")[:2], "staff_invitation", "1", flows.PASSWORD)
    anyone = call()
    code = levers.totp(secret, anyone.clock.now())
    body = {"token": token, "password": flows.PASSWORD, "code": code}
    answer: Answer = anyone.post("/staff-invitations/redemption", body)
    if answer.code != "link_used":
        return answer
    anyone.clock.advance(30)
    code = levers.totp(secret, anyone.clock.now())
    body = {"slug": "oak", "kind": "staff", "email": STAFF_ADDRESS, "password": flows.PASSWORD, "code": code}
    signed_in: Answer = anyone.post("/sessions", body)
    return signed_in


def _of_staff(verb: str, **options: Any) -> Callable[[Any, str], Answer]:
    def act(call: Any, staff_id: str) -> Answer:
        answer: Answer = call("A1").post(f"/practice/staff/{staff_id}/{verb}", **options)
        return answer

    return act


def _sign_up_link(call: Any) -> str:
    flows.sign_up(call())
    return flows.sign_up_token(call())


def _confirm_sign_up(call: Any, token: str) -> Answer:
    """Once it is done the link is used, and the page says that the practice has it."""
    answer = flows.confirm_sign_up(call(), token)
    return call().post("/sign-ups/lookup", {"token": token}, key=None) if answer.code == "link_used" else answer


def _signed_up(call: Any) -> Any:
    flows.signed_up(call())
    call("A1").drain()
    (waiting,) = flows.sign_ups(call("A1"))
    return waiting


def _answer_sign_up(how: str, **body: Any) -> Callable[[Any, Any], Answer]:
    return lambda call, signup: flows.answer_sign_up(call("A1"), signup, how, key="the-very-same-key", **body)


def _bookable(call: Any) -> tuple[str, str]:
    """A service, and a time for it."""
    caller = call("A1")
    return booking.opened(call, "T1"), booking.at(caller.clock, 3)


def _asked(call: Any) -> dict[str, Any]:
    asked: dict[str, Any] = booking.book(call("C1"), "T1", *_bookable(call)).json
    call("A1").drain()
    return asked


def _nearly_expired(call: Any) -> dict[str, Any]:
    """Its hold is over, and nobody has looked yet."""
    asked = _asked(call)
    call("A1").clock.set(booking.instant(asked["held_until"]) + timedelta(seconds=1))
    return asked


def _nearly_reminded(call: Any) -> dict[str, Any]:
    confirmed: dict[str, Any] = booking.theirs(call("T1"), "C1", _asked(call), "confirmation").json
    call("A1").drain()
    clock = call("A1").clock
    clock.set(booking.instant(confirmed["starts_at"]) - timedelta(hours=24, seconds=-5))
    return confirmed


def _waiting(call: Any) -> tuple[dict[str, Any], str]:
    """C1 has a time with T1 and waits for an earlier one of theirs; another of T1's is about to be free."""
    booking.settings(call("A1"), instant_confirmation=True, max_upcoming=10)
    service = booking.opened(call, "T1")
    clock = call("A1").clock
    gone = booking.book(call("C1"), "T1", service, booking.at(clock, 3)).json
    own = booking.book(call("C1"), "T1", service, booking.at(clock, 9)).json
    waiting = booking.wait_earlier(call("C1"), own)
    assert waiting.status == 201, waiting
    call("A1").drain()
    return gone, waiting.json["wait_id"]


def _offered(call: Any) -> dict[str, Any]:
    gone, _ = _waiting(call)
    assert booking.theirs(call("A1"), "C1", gone, "cancellation", {}).status == 200
    call("A1").clock.advance(61)
    call("A1").drain()
    (offer,) = booking.waits(call("C1"))
    assert offer["starts_at"]
    return offer


def _nearly_lapsed(call: Any) -> dict[str, Any]:
    offer = _offered(call)
    call("A1").clock.set(booking.instant(offer["held_until"]) + timedelta(seconds=1))
    return offer


def _joining(call: Any) -> str:
    return booking.opened(call, "T1")


def _refuse(call: Any, offer: dict[str, Any]) -> Answer:
    body = {"starts_at": offer["starts_at"]}
    answer: Answer = call("C1").post(f"/portal/waits/{offer['wait_id']}/refusal", body)
    return answer


def _by_client(verb: str, **body: Any) -> Callable[[Any, Any], Answer]:
    def act(call: Any, seen: dict[str, Any]) -> Answer:
        return booking.mine(call("C1"), seen, verb, body, key="the-very-same-key")

    return act


def _by_staff(verb: str, **body: Any) -> Callable[[Any, Any], Answer]:
    def act(call: Any, seen: dict[str, Any]) -> Answer:
        return booking.theirs(call("T1"), "C1", seen, verb, body, key="the-very-same-key")

    return act


def _reschedule(call: Any, seen: dict[str, Any]) -> Answer:
    body = {"starts_at": seen["starts_at"].replace("T15:00", "T15:15"), "zone": booking.ZONE}
    return booking.mine(call("C1"), seen, "time", body, key="the-very-same-key")


def _series(call: Any, scene: Any, key: str = "the-very-same-key") -> Answer:
    return booking.book_series(call("T1"), "C1", "T1", *scene, count=2, key_=key)


def _of_series(call: Any) -> dict[str, Any]:
    _series(call, _bookable(call), "another-key-before")
    call("A1").drain()
    first = call("C1").get("/portal/appointments").json["items"][0]
    return dict(first)


def _move_following(call: Any, seen: dict[str, Any]) -> Answer:
    body = {"starts_at": seen["starts_at"].replace("T15:00", "T15:15")}
    return booking.theirs(call("T1"), "C1", seen, "following/time", body, key="the-very-same-key")


def _make_group(call: Any, scene: Any, key: str = "the-very-same-key") -> Answer:
    return booking.group(call("T1"), "T1", *scene, "C1", key_=key)


def _grouped(call: Any) -> dict[str, Any]:
    made = _make_group(call, _bookable(call), "another-key-before").json
    call("A1").drain()
    return booking.group_of(call("T1"), "T1", made["group_id"])


def _repeat_group(call: Any, scene: Any, key: str = "the-very-same-key") -> Answer:
    return booking.repeat_group(call("T1"), "T1", *scene, "C1", count=2, key_=key)


def _repeated(call: Any) -> dict[str, Any]:
    made = _repeat_group(call, _bookable(call), "another-key-before").json
    call("A1").drain()
    found = booking.group_series_of(call("T1"), "T1", made["series_id"])
    return booking.group_of(call("T1"), "T1", found["occurrences"][0]["group_id"])


def _group_act(verb: str, **body: Any) -> Callable[[Any, Any], Answer]:
    def act(call: Any, seen: dict[str, Any]) -> Answer:
        new = {"starts_at": seen["starts_at"].replace("T15:00", "T15:15")}
        sent = {**body, **new} if verb.endswith("time") else body
        return booking.of_group(call("T1"), "T1", seen, verb, sent, key="the-very-same-key")

    return act


def _wait(call: Any, _: Any) -> Answer:
    """Nobody does anything: the schedule does."""
    answer: Answer = call().get("/tenants/oak")
    return answer


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


_WORDS = {"to": flows.client_id("T1"), "subject": "A question", "body": "Words"}


def _begun(call: Any) -> str:
    """A conversation of C1 and T1, seen from T1's side."""
    begun = call("C1").post("/portal/messages", _WORDS)
    assert begun.status == 201, begun
    return _file("C1", f"/messages/{begun.json['thread_id']}")


def _with_file(call: Any) -> tuple[str, dict[str, Any]]:
    path = _begun(call)
    file = flows.uploaded(call("T1"), _file("C1"), "plan.pdf", pdf(), purpose="message")
    return path, {"body": "See the plan.", "upload_ids": [file["upload_id"]], "copy_to_log": True}


def _nearly_told(call: Any) -> None:
    _begun(call)
    call("A1").drain()
    call("A1").clock.advance(15 * 60 + 5)


def _nearly_gone(call: Any) -> None:
    path = _begun(call)
    assert call("T1").post(f"{path}/trash").status == 204
    call("A1").drain()
    call("A1").clock.advance(15 * 86_400 + 5)


def _by(key: str, verb: str, body: Any) -> Callable[[Any, str], Answer]:
    def act(call: Any, path: str) -> Answer:
        answer: Answer = call(key).post(f"{path}{verb}", body, key="the-very-same-key")
        return answer

    return act


FLOWS: dict[str, Flow] = {
    "issue": Flow(
        _draft_bill, lambda call, bill: call("A1").post(
            f"/practice/clients/{flows.client_id('C1')}/invoices/{bill}/issue", key="the-very-same-key"
        ), (200,), False,
    ),
    "pay": Flow(_bill, _pay, (201,), True),
    "void before somebody pays": Flow(_at_the_page, _void, (200,), True),
    "void what a card may have paid": Flow(_maybe_charged, _void, (200,), True),
    "refund": Flow(
        _paid, lambda call, paid: billing.refund(
            call("A1"), "C1", paid, 500, etag=paid["etag"], key="the-very-same-key"
        ), (202,), True,
    ),
    "refund what Stripe refuses": Flow(
        _disputed, lambda call, paid: billing.refund(
            call("A1"), "C1", paid, 500, etag=paid["etag"], key="the-very-same-key"
        ), (409,), True,
    ),
    "give back by hand what a card paid": Flow(
        _paid, lambda call, paid: billing.refund(
            call("A1"), "C1", paid, 500, etag=paid["etag"], key="the-very-same-key", method="cash"
        ), (202,), False,
    ),
    "a refund comes back": Flow(_coming_back, _wait, (200,), True),
    "take cash": Flow(
        _bill, lambda call, bill: call("A1").post(
            f"/practice/clients/{flows.client_id('C1')}/payments",
            {"method": "cash", "amount": 12_500, "shares": [{"invoice_id": bill["invoice_id"], "amount": 12_000}]},
            key="the-very-same-key",
        ), (201,), False,
    ),
    "export": Flow(
        _bill, lambda call, _: call("A1").post(
            "/practice/exports", {"what": "payments", "first_day": "2026-11-01", "last_day": "2026-11-30"},
            key="the-very-same-key",
        ), (202,), True,
    ),
    "pay by itself": Flow(_by_itself, lambda call, _: call().get("/openapi.json"), (200,), True),
    "begin a conversation": Flow(
        lambda call: None,
        lambda call, _: call("C1").post("/portal/messages", _WORDS, key="the-very-same-key"),
        (201,),
        False,
    ),
    "answer with a file and a copy": Flow(
        _with_file,
        lambda call, scene: call("T1").post(scene[0], scene[1], key="the-very-same-key"),
        (201,),
        False,
    ),
    "mark as read": Flow(_begun, _by("T1", "/read", {"up_to": 1}), (204,), False),
    "put away": Flow(_begun, _by("T1", "/trash", {}), (204,), False),
    "out of the trash for good": Flow(_nearly_gone, _wait, (200,), True),
    "tell of what is unread": Flow(_nearly_told, _wait, (200,), True),
    "write to many": Flow(
        lambda call: None,
        lambda call, _: call("A1").post(
            "/practice/mass-messages", {"to": "all", "subject": "August", "body": "Closed"}, key="the-very-same-key"
        ),
        (201,),
        True,
    ),
    "break the glass": Flow(_begun, _by("A1", "/glass", {"reason": "A court has asked for it."}), (201,), True),
    "note a contact": Flow(
        lambda call: _file("C1"),
        _by("T1", "/contact-log", {"way": "phone", "happened_at": "2026-01-14T09:30:00Z", "note": "Called."}),
        (201,),
        False,
    ),
    "book": Flow(
        _bookable,
        lambda call, scene: booking.book(call("C1"), "T1", *scene, key_="the-very-same-key"),
        (201,),
        True,
    ),
    "confirm": Flow(_asked, _by_staff("confirmation"), (200,), True),
    "cancel": Flow(_asked, _by_client("cancellation"), (200,), True),
    "reschedule": Flow(_asked, _reschedule, (200,), True),
    "expire": Flow(_nearly_expired, _wait, (200,), True),
    "remind": Flow(_nearly_reminded, _wait, (200,), True),
    "book a series": Flow(_bookable, _series, (201,), True),
    "move those that follow": Flow(_of_series, _move_following, (200,), True),
    "make a group": Flow(_bookable, _make_group, (201,), True),
    "move a group": Flow(_grouped, _group_act("time"), (200,), True),
    "cancel a group": Flow(_grouped, _group_act("cancellation"), (200,), True),
    "make a series of groups": Flow(_bookable, _repeat_group, (201,), True),
    "move the groups that follow": Flow(_repeated, _group_act("following/time"), (200,), True),
    "leave the groups that follow": Flow(
        _repeated, _group_act("following/removal", client_id=PEOPLE["C1"].id), (200,), True
    ),
    "join the wait list": Flow(
        _joining,
        lambda call, service: booking.wait_for(call("C1"), "T1", service, key_="the-very-same-key"),
        (201,),
        False,
    ),
    "a time opens for who waits": Flow(
        _waiting,
        lambda call, scene: booking.theirs(call("A1"), "C1", scene[0], "cancellation", {}, key="the-very-same-key"),
        (200,),
        True,
    ),
    "take what is offered": Flow(
        _offered,
        lambda call, offer: booking.take(call("C1"), offer, key="the-very-same-key"),
        (200,),
        True,
    ),
    "pass on what is offered": Flow(_offered, _refuse, (200,), True),
    "an offer that nobody answers": Flow(_nearly_lapsed, _wait, (200,), True),
    "sign up": Flow(
        lambda call: None,
        lambda call, _: flows.sign_up(call()),
        (202,),
        True,
    ),
    "confirm a sign-up": Flow(_sign_up_link, _confirm_sign_up, (200, 202), True),
    "accept a sign-up": Flow(_signed_up, _answer_sign_up("acceptance"), (200,), True),
    "reject a sign-up": Flow(_signed_up, _answer_sign_up("rejection", tell=True), (200,), True),
    "link a sign-up, to the new address": Flow(
        _signed_up,
        _answer_sign_up("link", client_id=flows.client_id("C4"), new_address=True),
        (200,),
        True,
    ),
    "invite": Flow(
        lambda call: None,
        lambda call, _: flows.invite(call("T4"), flows.client_id("C4"), NOTICE, key="the-very-same-key"),
        (201,),
        True,
    ),
    "invite many": Flow(
        lambda call: [flows.client_id("C4"), flows.new_file("oak", "CR", "Crash Person", email="cr@mail.example")],
        lambda call, ids: call("A1").post(
            "/practice/invites/bulk", {"client_ids": ids, "form_ids": [NOTICE]}, key="the-very-same-key"
        ),
        (201,),
        True,
    ),
    "cancel while it is held": Flow(_held, _verb("cancel"), (200,), True),
    "mail the login link": Flow(
        lambda call: None,
        lambda call, _: call("T1").post(
            f"/practice/clients/{flows.client_id('C1')}/login-link", key="the-very-same-key"
        ),
        (201,),
        True,
    ),
    "try a mended address again": Flow(
        _listed,
        lambda call, client: call("A1").post(f"/practice/clients/{client}/address/retry", {}),
        (204,),
        False,
    ),
    "save a text": Flow(
        lambda call: None,
        lambda call, _: call("A1").post(
            "/practice/wordings", {"name": "A", "subject": "B", "message": "C"}, key="the-very-same-key"
        ),
        (201,),
        False,
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
    "settle a flag": Flow(
        _flagged,
        lambda call, document_id: call("T1").post(_seen(document_id)),
        (200,),
        False,
    ),
    "sign up a practice": Flow(
        lambda call: None,
        lambda call, _: call().post("/practice-sign-up", NEW_PRACTICE),
        (202,),
        True,
    ),
    "mail a practice's link to another address": Flow(
        _practice_signed_up,
        lambda call, _: call().post("/practice-sign-up/mail", NEW_PRACTICE | CORRECTED),
        (202,),
        True,
    ),
    "invite a colleague": Flow(
        lambda call: None,
        lambda call, _: call("A1").post("/practice/staff", NEW_STAFF, key="the-very-same-key"),
        (201,),
        True,
    ),
    "resend to a colleague": Flow(_staff_invited, _of_staff("resend", key="the-very-same-key"), (201,), True),
    "revoke a colleague": Flow(_staff_invited, _of_staff("revoke"), (204, 404), False),
    "a colleague joins": Flow(_staff_linked, _join_staff, (201,), False),
    "disable a colleague": Flow(lambda call: PEOPLE["T1"].id, _of_staff("disable"), (200,), False),
    "reset a second factor": Flow(
        lambda call: PEOPLE["T1"].id, _of_staff("second-factor/reset", key="the-very-same-key"), (200,), True
    ),
    "send new forms": Flow(
        lambda call: None,
        lambda call, _: call("A1").post(_packets("C1"), {"form_ids": [NOTICE]}, key="the-very-same-key"),
        (201,),
        True,
    ),
    "take a packet back": Flow(
        _filled,
        lambda call, intake_id: call("A1").post(f"{_packets('C1')}/{intake_id}/revoke"),
        (200,),
        True,
    ),
    "remind by rule": Flow(
        _overdue,
        lambda call, _: call("A1").get("/practice/settings"),
        (200, 401),
        True,
    ),
    "remind now": Flow(
        lambda call: flows.send_packet("C1", NOTICE),
        lambda call, intake_id: call("A1").post(
            f"{_packets('C1')}/{intake_id}/reminders", key="the-very-same-key"
        ),
        (201,),
        True,
    ),
    "remind everyone": Flow(
        lambda call: [flows.send_packet(key, NOTICE) for key in ("C1", "C3")],
        lambda call, _: call("A1").post("/practice/open-intakes/reminders", {"all": True}, key="the-very-same-key"),
        (201,),
        True,
    ),
    "a notice that was not acknowledged": Flow(
        _filled,
        lambda call, intake_id: call("A1").post(
            f"/practice/clients/{flows.client_id('C1')}/notices",
            {"form_id": NOTICE, "intake_id": intake_id, "reason": "declined"},
            key="the-very-same-key",
        ),
        (201,),
        True,
    ),
    "a form signed on paper": Flow(
        _scanned,
        lambda call, body: call("A1").post(
            f"/practice/clients/{flows.client_id('C1')}/paper-forms", body, key="the-very-same-key"
        ),
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
    "ask for a new password": Flow(lambda call: None, lambda call, _: flows.ask_reset(call(), "C1"), (202,), True),
    "choose a new password": Flow(_reset_ready, _reset, (200, 201), True),
    "ask for another address": Flow(
        lambda call: None,
        lambda call, _: call("C1").post("/account/email", {"email": ELSEWHERE}, key="the-very-same-key"),
        (202,),
        True,
    ),
    "move to another address": Flow(_address_ready, _move, (200, 201), True),
}  # fmt: skip
THOROUGH = ("book", "reschedule", "invite", "redeem", "save", "sign, seal, tell")


def _packets(key: str) -> str:
    return f"/practice/clients/{flows.client_id(key)}/intakes"


def _changed(client: Caller, etag: str) -> Answer:
    """A browser that gets 412 reads what is there, and sees its own change."""
    answer = client.patch("/portal/profile", {"preferred_name": "Imo"}, etag=etag)
    return client.get("/portal/profile") if answer.code == "stale" else answer


def _end() -> Counter[Any]:
    """What there is, without what differs from run to run."""
    found: Counter[Any] = Counter()
    for item in flows.stored(*LEFT):
        seen = "client_ids" in str(item.get("object", ""))  # a list that names clients is audited each time it is shown
        if item.get("action") not in SELF_MADE and item.get("template") != SECOND_DEVICE and not seen:
            found[item["kind"], *(_plain(item.get(name)) for name in LEFT[item["kind"]])] += 1
    return found


def _plain(value: Any) -> str:
    """An id that was made in this run is another one in the next; sets hold ids only: how many."""
    if isinstance(value, list):
        return f"{len(value)} of them"
    known = value in {each.id for each in PEOPLE.values()}
    new = ids.is_id(str(value)) and not known
    return "(new)" if new or (re.fullmatch("[0-9a-f]{40}", str(value)) and value not in _digests()) else str(value)


def _digests() -> set[str]:
    """Of the addresses that an organization of the world knows; another organization's are others."""
    from chalicelib.services import accounts

    addresses = [*(each.email for each in PEOPLE.values()), ELSEWHERE, STAFF_ADDRESS]
    return {accounts.email_digest(demo.tenant_id("oak"), each) for each in addresses}


def _sent() -> Counter[Any]:
    mails = [mail for mail in flows.outbox() if mail["subject"] != SECOND_DEVICE_MAIL]
    return Counter((tuple(mail["to"]), mail["subject"]) for mail in mails)


def _unsettled() -> int:
    """Mails that a worker had in its hands when it died: whether SES took them, nobody can know."""
    return sum(item["status"] == "sending" for item in flows.stored("account_mail", "client_mail", "staff_mail"))


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


READS: dict[str, Callable[[Caller], Answer]] = {
    "a client's file": lambda staff: staff.get(f"/practice/clients/{PEOPLE['C1'].id}"),
    "the list of clients": lambda staff: staff.get("/practice/clients"),
    "a search": lambda staff: staff.post("/practice/clients/search", {"search": "imo"}),
    "today": lambda staff: staff.get("/practice/home"),
    "notifications": lambda staff: staff.get("/practice/notifications"),
}


@pytest.mark.parametrize("read", READS)
def test_a_read_that_cannot_be_audited_is_not_answered(read: str, call: Callable[..., Caller]) -> None:
    flows.signed_document(call("C1"), "C1")
    staff = call("T1")
    staff.drain()  # and so told of
    good = READS[read](staff)
    assert good.status == 200
    assert PEOPLE["C1"].name.split()[1].encode() in good.body
    for operation in ("PutItem", "TransactWriteItems"):
        faults.add(operation, "throttle", 50)
    answer = READS[read](staff)
    faults.clear()
    assert (answer.status, answer.code) == (503, "busy")
    assert PEOPLE["C1"].name.split()[1].encode() not in answer.body
