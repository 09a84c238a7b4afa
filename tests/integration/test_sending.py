"""Forms for clients who have an account: sent, taken back, reminded of, settled by staff, asked again."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.models.clients import Client
from chalicelib.models.transaction import change
from infra.local import world as demo
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import CONSENT, NOTICE, QUESTIONNAIRE, together
from tests.integration.test_forms import CHANGED, renewed
from tests.integration.test_uploads import pdf

DAY = 86400
NOTE = "Before Tuesday, please: the zebra finch."


def path(key: str, rest: str = "") -> str:
    """Below a client's packets."""
    return f"/practice/clients/{flows.client_id(key)}/intakes{rest}"


def send(staff: Caller, key: str, *form_ids: str, note: str | None = None, idempotency: str | None = None) -> Answer:
    """Send New Forms."""
    more = {"key": idempotency} if idempotency else {}
    return staff.post(path(key), {"form_ids": list(form_ids), "note": note}, **more)


def sent(staff: Caller, key: str, *form_ids: str) -> str:
    """A packet that was sent; its id."""
    answer = send(staff, key, *form_ids)
    assert answer.status == 201, answer
    return str(answer.json["intake_id"])


def packet(staff: Caller, key: str, intake_id: str) -> dict[str, Any]:
    """A packet as staff see it."""
    items = staff.get(path(key), query={"limit": 100}).json["items"]
    return next(each for each in items if each["intake_id"] == intake_id)


def states(view: dict[str, Any]) -> dict[str, str]:
    """Its forms by id."""
    return {form["form_id"]: form["status"] for form in view["forms"]}


def of_client(key: str, **values: Any) -> None:
    """Change a client's file behind everyone's back."""
    handle = Client.at(tenant_id=demo.tenant_id(PEOPLE[key].tenant), client_id=PEOPLE[key].id)
    change(handle, *(getattr(Client, name).set(value) for name, value in values.items()))


def reminders_on(admin: Caller, **rule: int) -> None:
    """The rule of the organization."""
    etag = admin.get("/practice/settings").json["etag"]
    answer = admin.patch("/practice/settings", {"reminders": {"on": True, **rule}}, etag=etag)
    assert answer.status == 200, answer


def mails(to: str, subject: str = "") -> list[dict[str, Any]]:
    """What a person got."""
    return [each for each in flows.outbox() if to in each["to"] and subject in each["subject"]]


NEW, WAITING = "There is something new for you", "Something is still waiting for you"


class TestSending:
    def test_one_packet_and_one_neutral_mail(self, world: World, call: Callable[..., Caller], canaries: Any) -> None:
        canaries.add("zebra finch")
        staff, client = call("T4"), call("C3")
        offered = staff.get(path("C3", "/offer")).json
        assert [form["open"] for form in offered["forms"]] == [False] * 3
        answer = send(staff, "C3", NOTICE, CONSENT, note=NOTE)
        assert answer.status == 201, answer
        assert (answer.json["signed"], answer.json["of"], answer.json["left_out"]) == (0, 2, [])
        staff.drain()
        (mail,) = mails(PEOPLE["C3"].email)
        assert mail["subject"] == NEW
        assert "/oak" in mail["text"]
        assert "Notice" not in mail["text"] + (mail["html"] or "")
        (mine,) = client.get("/portal/intakes").json["items"]
        assert mine["note"] == NOTE
        assert [form["status"] for form in mine["forms"]] == ["to_do", "to_do"]
        assert NOTE not in str(flows.stored("intake"))

    def test_what_is_open_is_left_out(self, world: World, call: Callable[..., Caller]) -> None:
        staff = call("T4")
        first = sent(staff, "C3", NOTICE)
        second = send(staff, "C3", NOTICE, CONSENT)
        assert second.json["left_out"] == ["Notice of Privacy Practices"]
        assert list(states(second.json)) == [CONSENT]
        assert send(staff, "C3", NOTICE, CONSENT).code == "nothing_to_send"
        flows.fill(call("C3"), first, NOTICE)
        assert flows.sign(call("C3"), first, NOTICE).status == 201
        assert send(staff, "C3", NOTICE).status == 201, "what is signed can be asked again"

    @pytest.mark.parametrize(
        ("who", "key", "file", "code"),
        [
            ("A1", "C4", {}, "no_account"),
            ("A1", "C1", {"status": "archived"}, "client_archived"),
            ("A1", "C1", {"portal": "ended"}, "access_ended"),
            ("T1", "C1", {}, "forbidden"),
        ],
    )
    def test_refused_with_a_reason(
        self, who: str, key: str, file: dict[str, str], code: str, world: World, call: Callable[..., Caller]
    ) -> None:
        staff = call(who)
        if file:
            of_client(key, **file)
        assert send(staff, key, CONSENT).code == code
        possible = staff.get(path(key)).json["can_send"]
        assert possible["allowed"] is False
        assert possible["reason"] == {"forbidden": "no_permission"}.get(code, code)
        staff.drain()
        assert not mails(PEOPLE[key].email)

    def test_not_while_forms_are_off(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        open_before = sent(admin, "C1", NOTICE)
        etag = admin.get("/practice/settings").json["etag"]
        assert admin.patch("/practice/settings", {"features": {"intake_forms": False}}, etag=etag).status == 200
        assert send(admin, "C1", CONSENT).code == "feature_switched_off"
        assert admin.get(path("C1")).json["can_send"]["reason"] == "feature_off"
        assert admin.post(path("C1", f"/{open_before}/reminders")).code == "feature_switched_off"
        flows.fill(call("C1"), open_before, NOTICE)
        assert flows.sign(call("C1"), open_before, NOTICE).status == 201, "what was sent can be finished"

    def test_ten_packets_a_day(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        for _ in range(10):
            intake_id = sent(admin, "C1", NOTICE)
            assert admin.post(path("C1", f"/{intake_id}/revoke")).status == 200
        assert send(admin, "C1", NOTICE).status == 429

    def test_the_same_request_again(self, world: World, call: Callable[..., Caller]) -> None:
        answers = [send(call("A1"), "C1", NOTICE, idempotency="the-very-same-key") for _ in range(3)]
        assert len({answer.json["intake_id"] for answer in answers}) == 1
        assert len(flows.stored("intake")) == 1

    def test_at_the_same_moment_a_form_is_sent_once(self, world: World, call: Callable[..., Caller]) -> None:
        people = [call("A1"), call("A2")]
        for _ in range(4):
            answers = together(8, lambda n: send(people[n % 2], "C1", NOTICE))
            codes = {answer.code for answer in answers if answer.status != 201}
            assert codes <= {"nothing_to_send", "busy", "too_many_requests"}
            won = [answer.json["intake_id"] for answer in answers if answer.status == 201]
            assert len(won) == 1
            assert people[0].post(path("C1", f"/{won[0]}/revoke")).status == 200
            world.portal.clock.advance(DAY)
            for key, person in zip(("A1", "A2"), people, strict=True):
                person.sign_in(key)


class TestTakingBack:
    def test_one_form(self, world: World, call: Callable[..., Caller]) -> None:
        staff, client = call("T4"), call("C3")
        intake_id = sent(staff, "C3", NOTICE, CONSENT)
        flows.save(client, intake_id, CONSENT, "benefits_risks", {}, position=True)
        assert flows.save(client, intake_id, NOTICE, "acknowledgement", {"received": True}).status == 200
        assert flows.stored("section")
        answer = staff.post(path("C3", f"/{intake_id}/forms/{NOTICE}/revoke"))
        assert (answer.status, states(answer.json)) == (200, {NOTICE: "revoked", CONSENT: "to_do"})
        assert (answer.json["status"], answer.json["of"]) == ("open", 1)
        assert not [each for each in flows.stored("section") if each["form_id"] == NOTICE], "what was typed is erased"
        assert client.get(f"/portal/intakes/{intake_id}/forms/{NOTICE}").code == "intake_revoked"
        assert flows.save(client, intake_id, NOTICE, "acknowledgement", {"received": True}).code == "intake_revoked"
        assert flows.sign(client, intake_id, NOTICE).code == "intake_revoked"
        assert client.get("/portal/home").json["forms_open"] == 1
        assert staff.post(path("C3", f"/{intake_id}/forms/{NOTICE}/revoke")).status == 200, "again is the same"
        flows.fill(client, intake_id, CONSENT)
        assert flows.sign(client, intake_id, CONSENT).status == 201
        staff.drain()
        assert packet(staff, "C3", intake_id)["status"] == "completed"

    def test_all_that_is_not_signed(self, world: World, call: Callable[..., Caller]) -> None:
        staff, client = call("T4"), call("C3")
        intake_id = sent(staff, "C3", NOTICE, CONSENT)
        flows.fill(client, intake_id, NOTICE)
        assert flows.sign(client, intake_id, NOTICE).status == 201
        assert staff.post(path("C3", f"/{intake_id}/forms/{NOTICE}/revoke")).code == "already_signed"
        answer = staff.post(path("C3", f"/{intake_id}/revoke"))
        assert states(answer.json) == {NOTICE: "signed", CONSENT: "revoked"}
        assert answer.json["status"] == "open", "the signed one is not sealed yet"
        staff.drain()
        found = packet(staff, "C3", intake_id)
        assert (found["status"], states(found)) == ("completed", {NOTICE: "sealed", CONSENT: "revoked"})
        assert (found["signed"], found["of"]) == (1, 1)
        assert staff.get(path("C3", f"/{intake_id}/summary")).status == 200
        assert staff.post(path("C3", f"/{intake_id}/forms/{NOTICE}/revoke")).code == "already_signed"

    def test_nothing_signed_nothing_left(self, world: World, call: Callable[..., Caller]) -> None:
        staff = call("T4")
        intake_id = sent(staff, "C3", NOTICE, CONSENT)
        for _ in range(2):
            answer = staff.post(path("C3", f"/{intake_id}/revoke"))
            assert (answer.status, answer.json["status"]) == (200, "revoked")
        assert staff.get("/practice/open-intakes").json["items"] == []
        done, _ = flows.signed_document(call("C3"), "C3")
        staff.drain()
        assert staff.post(path("C3", f"/{done}/revoke")).code == "intake_closed"

    def test_forms_of_an_open_invitation_go_with_it(self, world: World, call: Callable[..., Caller]) -> None:
        staff = call("T4")
        assert flows.invite(staff, flows.client_id("C4"), NOTICE).status == 201
        (found,) = staff.get(path("C4")).json["items"]
        assert staff.post(path("C4", f"/{found['intake_id']}/revoke")).code == "invitation_open"

    def test_against_a_signature_there_is_one_outcome(self, world: World, call: Callable[..., Caller]) -> None:
        staff, client = call("A1"), call("C1")
        seen = set()
        for turn in range(12):
            intake_id = flows.send_packet("C1", NOTICE)
            flows.fill(client, intake_id, NOTICE)
            which = "revoke" if turn % 2 else f"forms/{NOTICE}/revoke"
            acts = [
                lambda i=intake_id: flows.sign(client, i, NOTICE),
                lambda i=intake_id, w=which: staff.post(path("C1", f"/{i}/{w}")),
            ]
            signed, taken = together(2, lambda n, a=acts: a[n]())
            found = packet(staff, "C1", intake_id)
            kept = [each for each in flows.stored("signed_form") if each["intake_id"] == intake_id]
            if signed.status == 201:
                assert taken.code in ("already_signed", "intake_closed"), taken
                assert states(found)[NOTICE] in ("signed", "sealed")
                assert len(kept) == 1
            else:
                assert (signed.code, taken.status) == ("intake_revoked", 200)
                assert (found["status"], states(found)[NOTICE], kept) == ("revoked", "revoked", [])
                assert not [each for each in flows.stored("section") if each["intake_id"] == intake_id]
            seen.add(signed.status)
        assert flows.waiting("sealing") == len(flows.stored("signed_form"))


class TestReminders:
    def test_by_rule_until_done(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        reminders_on(admin, first_days=2, every_days=3, at_most=2)
        intake_id = sent(admin, "C1", NOTICE)
        counts = []
        for _ in range(12):
            admin.drain()
            counts.append(len(mails(PEOPLE["C1"].email, WAITING)))
            world.portal.clock.advance(DAY)
        assert counts == [0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]
        mail = mails(PEOPLE["C1"].email, WAITING)[0]
        assert "Notice" not in mail["text"]
        admin.sign_in("A1")
        found = packet(admin, "C1", intake_id)
        assert (found["reminders"], found["reminded_at"] is not None) == (2, True)

    @pytest.mark.parametrize("end", ["signed", "revoked", "archived", "ended", "switched off", "forms off"])
    def test_it_stops(self, end: str, world: World, call: Callable[..., Caller]) -> None:
        admin, client = call("A1"), call("C1")
        reminders_on(admin, first_days=2, every_days=2, at_most=5)
        intake_id = sent(admin, "C1", NOTICE)
        etag = admin.get("/practice/settings").json["etag"]
        if end == "signed":
            flows.fill(client, intake_id, NOTICE)
            assert flows.sign(client, intake_id, NOTICE).status == 201
        elif end == "revoked":
            assert admin.post(path("C1", f"/{intake_id}/revoke")).status == 200
        elif end in ("archived", "ended"):
            of_client("C1", **({"status": end} if end == "archived" else {"portal": end}))
        else:
            off = {"reminders": {"on": False}} if end == "switched off" else {"features": {"intake_forms": False}}
            assert admin.patch("/practice/settings", off, etag=etag).status == 200
        for _ in range(4):
            world.portal.clock.advance(2 * DAY)
            admin.drain()
        assert not mails(PEOPLE["C1"].email, WAITING)
        due = [each.get("duesk") for each in flows.stored("intake")]
        assert all(due) is (end in ("switched off", "forms off")), "looked at again only where it can be switched on"

    def test_not_before_the_client_has_joined(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        reminders_on(admin, first_days=1, every_days=1, at_most=3)
        client = flows.joined(call, "T4", "C4", NOTICE)
        assert flows.invite(call("A1"), flows.client_id("C4")).code == "already_active"
        world.portal.clock.advance(2 * DAY)
        admin.drain()
        assert len(mails(PEOPLE["C4"].email, WAITING)) == 1
        assert client.cookie

    def test_brought_twice_it_goes_out_once(self, world: World, call: Callable[..., Caller]) -> None:
        from chalicelib.services import reminders

        admin = call("A1")
        reminders_on(admin, first_days=1, every_days=7, at_most=3)
        sent(admin, "C1", NOTICE)
        world.portal.clock.advance(DAY + 60)
        (stored,) = flows.stored("intake")
        now = world.portal.clock.now()
        together(8, lambda n: _quietly(lambda: reminders.sweep(stored["pk"], stored["sk"], now)))
        admin.drain()
        assert len(mails(PEOPLE["C1"].email, WAITING)) == 1
        assert [each["reminders"] for each in flows.stored("intake")] == ["1"]

    def test_now_and_once_a_day_for_all_packets(self, world: World, call: Callable[..., Caller]) -> None:
        staff = call("T4")
        first, second = sent(staff, "C3", NOTICE), sent(staff, "C3", CONSENT)
        answers = together(8, lambda n: staff.post(path("C3", f"/{(first, second)[n % 2]}/reminders")))
        assert sorted(answer.status for answer in answers) == [201] + [409] * 7
        assert {answer.code for answer in answers if answer.status == 409} == {"reminded_today"}
        world.portal.clock.advance(DAY + 1)
        staff.sign_in("T4")
        assert staff.post(path("C3", f"/{second}/reminders")).status == 201
        assert staff.post(path("C3", f"/{first}/reminders")).code == "reminded_today"
        staff.drain()
        assert len(mails(PEOPLE["C3"].email, WAITING)) == 2

    def test_two_packets_are_one_mail_a_day(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        reminders_on(admin, first_days=2, every_days=10, at_most=3)
        sent(admin, "C1", NOTICE)
        sent(admin, "C1", CONSENT)
        counts = []
        for _ in range(5):
            admin.drain()
            counts.append(len(mails(PEOPLE["C1"].email, WAITING)))
            world.portal.clock.advance(DAY)
        assert counts == [0, 0, 1, 2, 2]


def _quietly(act: Callable[[], Any]) -> None:
    from chalicelib.errors import PortalError

    with contextlib.suppress(PortalError):  # what is due is brought again
        act()


class TestUnfinished:
    def test_who_sees_whom(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        ids = {key: sent(admin, key, NOTICE, CONSENT) for key in ("C1", "C2", "C3")}
        flows.fill(call("C1"), ids["C1"], NOTICE)
        assert flows.sign(call("C1"), ids["C1"], NOTICE).status == 201
        rows = admin.get("/practice/open-intakes").json["items"]
        assert [row["client_id"] for row in rows] == [flows.client_id(key) for key in ("C1", "C2", "C3")]
        assert [(row["signed"], row["of"], len(row["forms"])) for row in rows] == [(1, 2, 1), (0, 2, 2), (0, 2, 2)]
        mine = {
            key: [row["client_id"] for row in call(key).get("/practice/open-intakes").json["items"]]
            for key in ("T1", "T4", "T2", "B1")
        }
        assert mine["T2"] == mine["B1"] == []
        for key in ("T1", "T4"):
            own = [client for client in ("C1", "C2", "C3") if PEOPLE[key].key in _therapists(client)]
            assert mine[key] == [flows.client_id(client) for client in own]
        page = admin.get("/practice/open-intakes", query={"limit": 2}).json
        rest = admin.get("/practice/open-intakes", query={"limit": 2, "cursor": page["next_cursor"]}).json
        assert [len(page["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]

    def test_how_far_an_unsigned_form_is_stays_the_clients(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        intake_id = sent(admin, "C1", NOTICE)
        before = packet(admin, "C1", intake_id)
        flows.fill(call("C1"), intake_id, NOTICE)
        assert packet(admin, "C1", intake_id) == before

    def test_all_are_reminded_and_who_is_not_says_why(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        for key in ("C1", "C2", "C3"):
            sent(admin, key, NOTICE)
        assert flows.invite(admin, flows.client_id("C4"), NOTICE).status == 201
        of_client("C2", status="archived")
        job = admin.post("/practice/open-intakes/reminders", {"all": True})
        assert (job.status, job.json["total"]) == (201, 4)
        admin.drain()
        items = admin.get(f"/practice/jobs/{job.json['job_id']}/items").json["items"]
        told = {each["client_id"]: (each["status"], each["reason"]) for each in items}
        assert told == {
            flows.client_id("C1"): ("done", None),
            flows.client_id("C2"): ("skipped", "client_archived"),
            flows.client_id("C3"): ("done", None),
            flows.client_id("C4"): ("skipped", "no_account"),
        }
        assert [len(mails(PEOPLE[key].email, WAITING)) for key in ("C1", "C2", "C3", "C4")] == [1, 0, 1, 0]
        again = admin.post("/practice/open-intakes/reminders", {"all": True})
        admin.drain()
        assert admin.get(f"/practice/jobs/{again.json['job_id']}").json["skipped"] == 4
        assert call("T4").post("/practice/open-intakes/reminders", {"all": True}).code == "forbidden"


def _therapists(key: str) -> tuple[str, ...]:
    person = PEOPLE[key]
    assert isinstance(person, demo.ClientPerson)
    return person.therapists


class TestPaper:
    def scan(self, staff: Caller, key: str, purpose: str = "paper_form") -> str:
        """The upload of a scan that was found clean."""
        upload = flows.uploaded(staff, f"/practice/clients/{flows.client_id(key)}", "scan.pdf", pdf(), purpose=purpose)
        staff.drain()
        return str(upload["upload_id"])

    def body(self, upload_id: str, intake_id: str | None = None, **more: Any) -> dict[str, Any]:
        """What staff enter."""
        told = {"signed_by": "Imogen Thistlewood", "relationship": "self", "signed_on": "2026-01-14"}
        return {"form_id": CONSENT, "intake_id": intake_id, "upload_id": upload_id, **told, **more}

    def test_it_is_filed_and_counts(self, world: World, call: Callable[..., Caller]) -> None:
        staff, client = call("T1"), call("C1")
        intake_id = flows.send_packet("C1", CONSENT)
        flows.fill(client, intake_id, CONSENT)
        upload_id = self.scan(staff, "C1")
        path = f"/practice/clients/{flows.client_id('C1')}/paper-forms"
        assert staff.post(path, self.body(upload_id, intake_id, signed_on="2031-01-01")).status == 422
        answer = staff.post(path, self.body(upload_id, intake_id))
        assert (answer.status, answer.json["status"], states(answer.json)) == (201, "completed", {CONSENT: "paper"})
        (form,) = answer.json["forms"]
        assert form["paper"] == {"signed_by": "Imogen Thistlewood", "relationship": "self", "signed_on": "2026-01-14"}
        listed = staff.get(f"/practice/clients/{flows.client_id('C1')}/documents").json["items"]
        (document,) = [each for each in listed if each["document_id"] == form["document_id"]]
        assert (document["kind"], document["signed_by"]) == ("signed_paper", "Imogen Thistlewood")
        assert document["title"] == "Informed Consent for Psychotherapy (on paper)"
        assert client.post(f"/portal/documents/{document['document_id']}/download").status == 200
        assert not flows.stored("section"), "what was typed is erased"
        assert staff.post(path, self.body(upload_id, intake_id)).code == "upload_used"

    def test_without_a_packet_and_without_an_account(self, world: World, call: Callable[..., Caller]) -> None:
        staff = call("A1")
        path = f"/practice/clients/{flows.client_id('C4')}/paper-forms"
        answer = staff.post(path, self.body(self.scan(staff, "C4")))
        assert (answer.status, answer.json["status"]) == (201, "completed")

    def test_only_a_scan_of_this_client_that_was_found_clean(self, world: World, call: Callable[..., Caller]) -> None:
        staff = call("A1")
        path = f"/practice/clients/{flows.client_id('C1')}/paper-forms"
        for upload_id in (self.scan(staff, "C3"), self.scan(staff, "C1", "document"), flows.client_id("C1")):
            refused = staff.post(path, self.body(upload_id))
            assert (refused.status, refused.json["errors"][0]["code"]) == (422, "unknown_upload")
        begun = staff.post(
            f"/practice/clients/{flows.client_id('C1')}/uploads",
            {"name": "a.pdf", "size": 10, "purpose": "paper_form"},
        )
        assert staff.post(path, self.body(begun.json["upload_id"])).code == "upload_not_ready"

    def test_against_a_signature(self, world: World, call: Callable[..., Caller]) -> None:
        staff, client = call("T1"), call("C1")
        for _ in range(4):
            intake_id = flows.send_packet("C1", NOTICE)
            flows.fill(client, intake_id, NOTICE)
            body = self.body(self.scan(staff, "C1"), intake_id, form_id=NOTICE)
            acts = [
                lambda i=intake_id: flows.sign(client, i, NOTICE),
                lambda b=body: staff.post(f"/practice/clients/{flows.client_id('C1')}/paper-forms", b),
            ]
            signed, filed = together(2, lambda n, a=acts: a[n]())
            assert (signed.status == 201) != (filed.status == 201)
            papers = [each for each in flows.stored("document") if each["intake_id"] == intake_id]
            assert len(papers) == 1


class TestNotices:
    def test_not_acknowledged(self, world: World, call: Callable[..., Caller], canaries: Any) -> None:
        canaries.add("felt unwell")
        staff, client = call("T1"), call("C1")
        intake_id = flows.send_packet("C1", NOTICE)
        flows.fill(client, intake_id, NOTICE)
        body = {"form_id": NOTICE, "intake_id": intake_id, "reason": "unable", "note": "felt unwell"}
        notices = f"/practice/clients/{flows.client_id('C1')}/notices"
        answer = staff.post(notices, body)
        assert (answer.status, answer.json["status"]) == (201, "completed")
        (form,) = answer.json["forms"]
        assert (form["status"], form["refusal"]) == ("unobtained", {"reason": "unable", "note": "felt unwell"})
        assert form["settled_by_name"] == PEOPLE["T1"].name
        assert "felt unwell" not in str(flows.stored("intake_form"))
        assert not flows.stored("section")
        assert staff.post(notices, body).code == "intake_closed"
        assert flows.sign(client, intake_id, NOTICE).code == "intake_revoked"
        assert [each for each in flows.stored("client_audit") if each["action"] == "intake:record"]
        assert staff.post(notices, {**body, "form_id": CONSENT}).code == "not_a_notice"

    def test_without_a_packet(self, world: World, call: Callable[..., Caller]) -> None:
        staff = call("A1")
        notices = f"/practice/clients/{flows.client_id('C4')}/notices"
        answer = staff.post(notices, {"form_id": NOTICE, "reason": "declined"})
        assert (answer.status, states(answer.json)) == (201, {NOTICE: "unobtained"})
        assert staff.get("/practice/open-intakes").json["items"] == []
        assert flows.invite(staff, flows.client_id("C4"), NOTICE).status == 201

    def test_against_a_signature(self, world: World, call: Callable[..., Caller]) -> None:
        staff, client = call("T1"), call("C1")
        for _ in range(8):
            intake_id = flows.send_packet("C1", NOTICE)
            flows.fill(client, intake_id, NOTICE)
            body = {"form_id": NOTICE, "intake_id": intake_id, "reason": "other"}
            acts = [
                lambda i=intake_id: flows.sign(client, i, NOTICE),
                lambda b=body: staff.post(f"/practice/clients/{flows.client_id('C1')}/notices", b),
            ]
            signed, noted = together(2, lambda n, a=acts: a[n]())
            assert (signed.status == 201) != (noted.status == 201)

    def test_a_new_version_is_asked_again(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        for key in ("C1", "C2", "C3"):
            flows.signed_document(call(key), key)
        admin.drain()
        assert admin.get(f"/practice/forms/{NOTICE}/outdated").json["items"] == []
        renewed(admin, NOTICE)
        rows = admin.get(f"/practice/forms/{NOTICE}/outdated").json
        assert {row["client_id"] for row in rows["items"]} == {flows.client_id(key) for key in ("C1", "C2", "C3")}
        assert {(row["version"], row["outcome"], row["reason"]) for row in rows["items"]} == {(1, "sealed", None)}
        of_client("C2", portal="ended")
        job = admin.post(f"/practice/forms/{NOTICE}/renewals", {})
        assert (job.status, job.json["total"]) == (201, 3)
        admin.drain()
        done = admin.get(f"/practice/jobs/{job.json['job_id']}").json
        assert (done["done"], done["skipped"]) == (2, 1)
        assert len(mails(PEOPLE["C1"].email, NEW)) == 1
        new = next(each for each in call("C1").get("/portal/intakes").json["items"] if each["status"] == "open")
        shown = flows.opened(call("C1"), new["intake_id"], NOTICE)
        assert (shown["version"], shown["what_changed"]) == (2, [CHANGED])
        flows.fill(call("C1"), new["intake_id"], NOTICE)
        assert flows.sign(call("C1"), new["intake_id"], NOTICE).status == 201
        admin.drain()
        left = {row["client_id"] for row in admin.get(f"/practice/forms/{NOTICE}/outdated").json["items"]}
        assert left == {flows.client_id("C2"), flows.client_id("C3")}
        assert admin.get(f"/practice/forms/{QUESTIONNAIRE}/outdated").code == "not_a_notice"


def test_the_rule_is_looked_at_when_it_matters() -> None:
    from chalicelib import clock
    from chalicelib.services.reminders import next_look

    at = clock.parse("2026-11-24T07:00:00.000Z")
    day = timedelta(days=1)
    rule = {"on": True, "first_days": 3, "every_days": 7, "at_most": 2}
    assert next_look(rule, at, 0, None, at) == at + 3 * day
    assert next_look(rule, at, 1, at + 3 * day, at + 3 * day) == at + 10 * day
    assert next_look(rule, at, 2, at + 10 * day, at + 10 * day) is None
    assert next_look({**rule, "on": False}, at, 0, None, at + 5 * day) == at + 6 * day
    assert next_look({**rule, "on": False}, at, 0, None, at + 60 * day) is None
