"""Somebody else acts between two reads, or just before the write: what is told then is what is so by then."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.config import settings
from tests import billing, booking, flows
from tests.booking import at, book_series, theirs
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import NOTICE

Call = Callable[..., Caller]
Beside = Callable[..., list[Any]]


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Beside:
    """`beside(module, "name", act)`: the first time that this function is called `act` is done before it, or after it
    (`late`). What `act` gave is in the list, once it was done."""

    def once(module: Any, name: str, act: Callable[[], Any], *, late: bool = False) -> list[Any]:
        function, done = getattr(module, name), list[Any]()

        def slowly(*args: Any, **more: Any) -> Any:
            if done or late:
                found = function(*args, **more)
            if not done:
                done.append(None)
                done[0] = act()
                return found if late else function(*args, **more)
            return found

        monkeypatch.setattr(module, name, slowly)
        return done

    return once


def _told(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.code


C4 = f"/practice/clients/{PEOPLE['C4'].id}"


# ---- invitations ----


def _invited(staff: Caller) -> str:
    answer = flows.invite(staff, PEOPLE["C4"].id, NOTICE)
    assert answer.status == 201, answer
    return f"{C4}/invites/{answer.json['invite_id']}"


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda staff: staff.post(f"{C4}/archive"), (409, "client_archived")),
        (lambda staff: flows.invite(staff, PEOPLE["C4"].id, NOTICE), (409, "already_invited")),
        (
            lambda staff: staff.patch(C4, {"email": "new@mail.example"}, etag=staff.get(C4).json["etag"]),
            (503, "busy"),  # nothing stands in the way: asked again, it goes to the address of now
        ),
    ],
    ids=["archived", "invited", "readdressed"],
)
def test_inviting(call: Call, beside: Beside, act: Callable[[Caller], Answer], told: tuple[int, str]) -> None:
    """Whatever had become of the file, the answer was "already invited"."""
    from chalicelib.services import invites

    done = beside(invites, "_previous", lambda: act(call("A1")))
    assert _told(flows.invite(call("A1"), PEOPLE["C4"].id, NOTICE)) == told
    assert done[0].status in (200, 201)


def test_inviting_again(call: Call, beside: Beside) -> None:
    """Who sent it again a moment after a colleague was told that it is closed, which it was not. It goes out once."""
    from chalicelib.services import invites

    invite = _invited(call("A1"))
    done = beside(invites, "_pace", lambda: call("T4").post(f"{invite}/resend"))
    again = call("A1").post(f"{invite}/resend")
    assert (again.status, again.json) == (201, done[0].json)
    call("A1").drain()
    assert len(call("A1").outbox(PEOPLE["C4"].email)) == 1  # the first mail's link had stopped by then
    done = beside(invites, "_pace", lambda: call("T4").post(f"{invite}/revoke"))
    assert _told(call("A1").post(f"{invite}/resend")) == (409, "invitation_closed")
    assert done[0].status == 200


@pytest.mark.parametrize("verb", ["revoke", "cancel"])
def test_taking_an_invitation_back_twice(
    call: Call, beside: Beside, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two presses was told that the mail is on its way, though the first had just called it back."""
    from chalicelib.services import invites

    monkeypatch.setitem(settings.__dict__, "hold_seconds", 30)
    sent = flows.invite(call("A1"), PEOPLE["C4"].id, NOTICE, hold=True)
    invite = f"{C4}/invites/{sent.json['invite_id']}"
    done = beside(invites, "_withdraw", lambda: call("T4").post(f"{invite}/{verb}"))
    answer = call("A1").post(f"{invite}/{verb}")
    assert (answer.status, done[0].status) == (200, 200), answer
    assert answer.json["status"] == done[0].json["status"] == "revoked"
    assert answer.json["delivery"] == done[0].json["delivery"]


def test_asking_for_a_new_link_twice(world: World, call: Call, beside: Beside) -> None:
    from chalicelib.services import accounts

    _invited(call("T4"))
    token = flows.mailed_token(call(), PEOPLE["C4"].email)
    world.portal.clock.advance(73 * 3600)
    done = beside(accounts, "throttle", lambda: flows.ask_again(call(), token))
    assert flows.ask_again(call(), token).status == done[0].status == 202
    assert len([each for each in flows.stored("notification") if each["about"] == "invitation_renewal_asked"]) == 1


def test_archiving_while_the_client_joins(call: Call, beside: Beside) -> None:
    """Archiving can be repeated, and has one outcome: no error of an invitation that nobody asked about."""
    from chalicelib.services import invites

    _invited(call("T4"))
    token = flows.mailed_token(call(), PEOPLE["C4"].email)
    done = beside(invites, "current", lambda: flows.redeem(call(), token), late=True)
    answer = call("A1").post(f"{C4}/archive")
    assert (done[0].status, answer.status) == (201, 200), answer
    assert (answer.json["status"], answer.json["portal"]) == ("archived", "active")


@pytest.mark.parametrize("verbs", [("archive", "restore"), ("access/end", "access/restore")], ids=["file", "access"])
def test_two_colleagues_do_the_same_to_a_file(call: Call, beside: Beside, verbs: tuple[str, str]) -> None:
    from chalicelib.services import audits

    path = f"/practice/clients/{PEOPLE['C1'].id}"
    for verb in verbs:
        done = beside(audits, "event", lambda verb=verb: call("A2").post(f"{path}/{verb}"))
        answer = call("A1").post(f"{path}/{verb}")
        assert (answer.status, done[0].status) == (200, 200), answer
        assert answer.json["etag"] == done[0].json["etag"]


def test_access_is_not_given_back_to_a_file_that_is_put_away(call: Call, beside: Beside) -> None:
    from chalicelib.services import audits

    path = f"/practice/clients/{PEOPLE['C1'].id}"
    assert call("A1").post(f"{path}/access/end").status == 200
    done = beside(audits, "event", lambda: call("A2").post(f"{path}/archive"))
    assert _told(call("A1").post(f"{path}/access/restore")) == (409, "client_archived")
    assert done[0].status == 200
    assert call("A1").get(path).json["portal"] == "ended"


# ---- forms ----


@pytest.mark.parametrize("whole", [True, False], ids=["packet", "form"])
def test_opening_a_form_that_is_taken_back(call: Call, beside: Beside, whole: bool) -> None:
    """Its client was shown an empty form for everything that they had written."""
    from chalicelib.services import intakes

    client, intake_id = call("C1"), flows.send_packet("C1", NOTICE)
    flows.fill(client, intake_id, NOTICE)
    path = f"/practice/clients/{PEOPLE['C1'].id}/intakes/{intake_id}{'' if whole else f'/forms/{NOTICE}'}/revoke"
    done = beside(intakes, "_written", lambda: call("A1").post(path))
    assert _told(client.get(f"/portal/intakes/{intake_id}/forms/{NOTICE}")) == (409, "intake_revoked")
    assert done[0].status == 200


def test_sending_forms_to_a_file_that_is_put_away(call: Call, beside: Beside) -> None:
    """It was tried six times with what was read first, and then said to be busy."""
    from chalicelib.services import sendings

    path = f"/practice/clients/{PEOPLE['C1'].id}"
    done = beside(sendings, "open_forms", lambda: call("A1").post(f"{path}/archive"))
    assert _told(call("A2").post(f"{path}/intakes", {"form_ids": [NOTICE]})) == (409, "client_archived")
    assert done[0].status == 200


def test_reminding_twice(call: Call, beside: Beside) -> None:
    """The second was told that nothing is left to fill in."""
    from chalicelib.services import intakes

    intake_id = flows.send_packet("C1", NOTICE)
    path = f"/practice/clients/{PEOPLE['C1'].id}/intakes/{intake_id}/reminders"
    done = beside(intakes, "forms_of", lambda: call("A2").post(path))
    assert _told(call("A1").post(path)) == (409, "reminded_today")
    assert done[0].status == 201


def test_copying_a_form_that_is_published(call: Call, beside: Beside) -> None:
    """Its draft was gone, and it was told as one that there is not."""
    from chalicelib.services import forms

    admin = call("A1")
    own = admin.post("/practice/forms", {"title": "Ours", "purpose": "consent", "copy_of": NOTICE}).json
    publish = f"/practice/forms/{own['form_id']}/publication"
    done = beside(forms, "get", lambda: admin.api("POST", publish, {"what_changed": None}, etag=own["etag"]), late=True)
    copy = call("A2").post("/practice/forms", {"title": "Theirs", "purpose": "consent", "copy_of": own["form_id"]})
    assert (done[0].status, copy.status) == (200, 201), copy
    assert copy.json["definition"]["sections"] == own["definition"]["sections"]


# ---- staff and accounts ----

WANDA = {"name": "Wanda Fairbairn", "email": "wanda@newcomer.example", "roles": ["therapist"]}


def test_resending_to_a_colleague_twice(call: Call, beside: Beside) -> None:
    """ "They have joined" was the answer, and they had not. One new link goes out."""
    from chalicelib.services import staff

    member = call("A1").post("/practice/staff", WANDA).json
    path = f"/practice/staff/{member['staff_id']}/resend"
    done = beside(staff, "_mailed", lambda: call("A2").post(path), late=True)
    again = call("A1").post(path)
    assert (again.status, again.json) == (201, done[0].json)
    (link,) = [each for each in flows.stored("link") if each["purpose"] == "staff_invitation"]
    assert link["generation"] == "2"


@pytest.mark.parametrize(("verb", "before"), [("disable", None), ("enable", "disable"), ("seat", None)])
def test_two_administrators_do_the_same_to_a_colleague(
    call: Call, beside: Beside, verb: str, before: str | None
) -> None:
    """The second was told that something had changed; what they wanted was done."""
    from chalicelib.services import audits

    path = f"/practice/staff/{PEOPLE['T1'].id}"
    if before is not None:
        assert call("A1").post(f"{path}/{before}").status == 200
    body = {"seat": False} if verb == "seat" else None
    done = beside(audits, "event", lambda: call("A2").post(f"{path}/{verb}", body))
    answer = call("A1").post(f"{path}/{verb}", body)
    assert (answer.status, done[0].status) == (200, 200), answer
    assert answer.json == done[0].json
    named = f"staff:{verb}" if verb != "seat" else "subscription:update"
    assert len([each for each in flows.stored() if each.get("action") == named]) == 1


def test_resetting_a_second_factor_while_its_holder_signs_out_everywhere(call: Call, beside: Beside) -> None:
    from chalicelib.services import staff

    path = f"/practice/staff/{PEOPLE['T1'].id}/second-factor/reset"
    done = beside(staff, "_mailed", lambda: call("A2").post(f"/practice/staff/{PEOPLE['T1'].id}/sign-out"))
    assert _told(call("A1").post(path)) == (503, "busy")
    assert done[0].status == 204
    assert call("A1").post(path).status == 200


def test_a_link_that_is_taken_back_while_it_is_looked_up(call: Call, beside: Beside) -> None:
    """The page said that this is no link of ours."""
    from chalicelib.services import links

    member = call("A1").post("/practice/staff", WANDA).json
    token = flows.staff_token(call(), str(WANDA["email"]))
    done = beside(links, "read", lambda: call("A1").post(f"/practice/staff/{member['staff_id']}/revoke"), late=True)
    answer = call().post("/staff-invitations/lookup", {"token": token})
    assert (answer.status, done[0].status) == (200, 204), answer
    assert answer.json["state"] == "revoked"


def test_one_address_is_confirmed_twice(call: Call, beside: Beside, canaries: Any) -> None:
    """The second was told that the link had ended, and looking it up said so, too."""
    from chalicelib.services import addresses

    canaries.add("immy@elsewhere.example")
    for lookup in (True, False):
        client = call("C1") if lookup else call("C3")
        address = "immy@elsewhere.example" if lookup else "other@elsewhere.example"
        assert client.post("/account/email", {"email": address}).status == 202
        client.drain()
        token = {"token": flows.token_in(client.outbox(address)[-1], "email")}
        done = beside(addresses, "_holder", lambda token=token: call().post("/email-changes/redemption", token))
        if lookup:
            assert call().post("/email-changes/lookup", token).json["state"] == "used"
        else:
            assert _told(call().post("/email-changes/redemption", token)) == (409, "link_used")
        assert done[0].status == 200


def test_assigning_somebody_who_gets_another_role(call: Call, beside: Beside) -> None:
    from chalicelib.services import clients

    path = f"/practice/staff/{PEOPLE['T2'].id}"
    changes, etag = {"roles": ["administrator", "therapist"]}, call("A2").get(path).json["etag"]
    done = beside(clients, "find", lambda: call("A2").patch(path, changes, etag=etag))
    body = {"staff_id": PEOPLE["T2"].id}
    assert call("A1").post(f"/practice/clients/{PEOPLE['C2'].id}/therapists", body).status == 200
    assert done[0].status == 200


# ---- appointments and what is offered ----


def test_cancelling_a_series_that_has_just_ended(world: World, call: Call, beside: Beside) -> None:
    """An error of ours: what follows was looked for, and there was nothing left."""
    from chalicelib.services import series

    clock, staff = world.portal.clock, call("T1")
    service = booking.opened(call, "T1")
    assert book_series(staff, "C1", "T1", service, at(clock, 3), count=2).status == 201
    staff.drain()
    last = max(flows.stored("appointment"), key=lambda each: each["starts_at"])
    seen = {"appointment_id": last["appointment_id"], "etag": last["version"]}
    done = beside(series, "_following", lambda: theirs(call("A1"), "C1", seen, "cancellation"))
    assert _told(theirs(staff, "C1", seen, "following/cancellation")) == (409, "appointment_ended")
    assert done[0].status == 200


def test_a_service_that_a_colleague_took_away(call: Call) -> None:
    """Who saved what they had before them was told that it is not there, not that it had changed."""
    admin = call("A1")
    offered = booking.offer(admin)
    booking.offer(call("A2"), name="Another")
    old = {"services": offered["services"], "locations": offered["locations"]}
    answer = admin.api("PATCH", "/practice/offer", old, etag=offered["etag"])
    assert _told(answer) == (412, "stale")


# ---- money ----


def test_one_refund_that_is_sent_twice(call: Call, beside: Beside) -> None:
    """The second copy was answered with the payment as it was before the first."""
    from chalicelib.services import refunds

    admin, client = call("A1"), f"/practice/clients/{PEOPLE['C1'].id}"
    taken = admin.post(f"{client}/payments", {"method": "cash", "amount": 8_000, "shares": []}).json
    about = (f"{client}/payments/{taken['payment_id']}/refunds", {"amount": 2_000, "reason": "Paid too much."})
    again = {"key": "the-very-same-refund", "etag": taken["etag"]}
    done = beside(refunds, "_given_back", lambda: call("A1").post(*about, **again))
    answer = admin.post(*about, **again)
    assert (answer.status, answer.json) == (done[0].status, done[0].json)
    assert answer.json["refunded"]["amount"] == 2_000


def test_one_issuing_that_is_sent_twice(call: Call, beside: Beside) -> None:
    """The same request again, while the first is under way: it gets the first one's answer, not that it is too late."""
    from chalicelib.services import invoices

    draft = billing.draft(call("A1"), "C1").json
    path = f"/practice/clients/{PEOPLE['C1'].id}/invoices/{draft['invoice_id']}/issue"
    done = beside(invoices, "_issued", lambda: call("A1").post(path, key="the-very-same-issuing"))
    answer = call("A1").post(path, key="the-very-same-issuing")
    assert (answer.status, done[0].status) == (200, 200), answer
    assert answer.json["number"] == done[0].json["number"]


def test_two_put_one_appointment_on_one_draft(world: World, call: Call, beside: Beside) -> None:
    """It stands on this very draft: who comes second is to look at it again."""
    from chalicelib.services import invoices

    admin, clock = call("A1"), world.portal.clock
    service = booking.opened(call, "T1", price={"amount": 15_000, "currency": "usd"})
    held = booking.book_for(admin, "C1", "T1", service, at(clock, -1), override=True).json
    assert theirs(admin, "C1", held, "outcome", {"status": "completed"}).status == 200
    draft = billing.draft(admin, "C1").json
    path = f"/practice/clients/{PEOPLE['C1'].id}/invoices/{draft['invoice_id']}"
    body = {"lines": [billing.line(appointment_id=held["appointment_id"])]}
    done = beside(invoices, "_drafted", lambda: call("A2").patch(path, body, etag=draft["etag"]))
    assert _told(admin.patch(path, body, etag=draft["etag"])) == (412, "stale")
    assert done[0].status == 200


def test_choosing_the_card_that_pays_by_itself_twice(call: Call, beside: Beside) -> None:
    """The card was said to be gone."""
    from chalicelib.services import payments

    admin, client = call("A1"), call("C1")
    billing.paid(client, billing.issued(admin, "C1"), save_card=True)
    (card,) = client.get("/portal/cards").json["items"]
    choice = {"card_id": card["card_id"]}
    done = beside(payments, "payer", lambda: call("C1").api("PUT", "/portal/autopay", choice), late=True)
    assert _told(client.api("PUT", "/portal/autopay", choice)) == (503, "busy")
    assert done[0].status in (200, 204)


def test_coming_back_from_stripe_beside_its_webhook(world: World, call: Call, beside: Beside) -> None:
    from chalicelib.services import card_processing, payments

    admin, tenant = call("A1"), world.tenant_id("oak")
    assert admin.delete("/practice/card-processing").json["status"] == "disconnected"
    assert admin.post("/practice/card-processing/connection").status == 201
    found = payments.processing(tenant)
    assert found is not None
    assert found.status == "pending"
    done = beside(card_processing, "_changed", lambda: card_processing.look(tenant, found.account))
    answer = admin.post("/practice/card-processing/refresh")
    assert (answer.status, done) == (200, [None]), answer
    assert answer.json["status"] == "connected"


# ---- jobs ----


def test_stopping_a_job_twice(world: World, call: Call, beside: Beside) -> None:
    from chalicelib.services import audits

    with world.portal.pump.exclusively():
        words = {"subject": "Summer closing", "body": "We are closed in August."}
        made = call("A1").post("/practice/mass-messages", {"to": "all", **words}).json
        path = f"/practice/mass-messages/{made['job_id']}/stop"
        done = beside(audits, "event", lambda: call("A2").post(path))
        answer = call("A1").post(path)
    assert (answer.status, done[0].status) == (200, 200), answer
    assert answer.json["status"] == "stopped"


def test_two_workers_at_one_message_of_many(world: World, call: Call, beside: Beside) -> None:
    """The second met the first one's thread, which was no error that anybody expected, and the job was begun anew."""
    from chalicelib.services import jobs, messages

    admin, tenant = call("A1"), world.tenant_id("oak")
    with world.portal.pump.exclusively():
        words = {"subject": "Summer closing", "body": "We are closed in August."}
        made = admin.post("/practice/mass-messages", {"to": "all", **words}).json
        done = beside(messages, "_commit", lambda: jobs.run(tenant, made["job_id"]))
        jobs.run(tenant, made["job_id"])
    assert done == [None]
    job = admin.get(f"/practice/mass-messages/{made['job_id']}").json
    assert (job["status"], job["done"], job["failed"]) == ("done", 3, 0)
    assert len(flows.stored("message")) == 3
