"""Staff: invited, joined, changed, disabled; who is the last administrator; who treats whom."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.models.staff import Staff
from chalicelib.models.transaction import change
from chalicelib.services import accounts, staff
from infra.local import levers
from infra.local import world as demo
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

ADDRESS = "wanda@staff.example"
WANDA = {"name": "Wanda Early", "email": ADDRESS, "roles": ["therapist"], "credentials": "LPC"}


def invited(admin: Caller, **more: Any) -> dict[str, Any]:
    answer = admin.post("/practice/staff", WANDA | more)
    assert answer.status == 201, answer
    shown: dict[str, Any] = answer.json
    return shown


def joined(call: Callable[..., Caller], **more: Any) -> tuple[Caller, dict[str, Any]]:
    """A colleague who was invited and has joined: signed in, and how the administrator sees them."""
    admin, newcomer = call("A1"), call()
    staff_id = invited(admin, **more)["staff_id"]
    assert flows.join_staff(newcomer, flows.staff_token(newcomer, ADDRESS)).status == 201
    return newcomer, seen(admin, staff_id)


def seen(admin: Caller, staff_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = admin.get(f"/practice/staff/{staff_id}").json
    return shown


def edit(admin: Caller, staff_id: str, **changes: Any) -> Answer:
    return admin.patch(f"/practice/staff/{staff_id}", changes, etag=seen(admin, staff_id)["etag"])


def act(admin: Caller, key: str, verb: str) -> Answer:
    return admin.post(f"/practice/staff/{PEOPLE[key].id}/{verb}")


class TestInvitation:
    def test_what_is_given_and_what_is_not(self, call: Callable[..., Caller]) -> None:
        newcomer, shown = joined(call)
        assert shown["status"] == "active"
        assert (shown["may_invite"], shown["may_bill"], shown["seat"]) == (False, False, False)
        session = newcomer.get("/session").json
        assert (session["roles"], session["may_invite"], session["seat"]) == (["therapist"], False, False)
        assert newcomer.get("/practice/clients").json["items"] == []
        assert newcomer.get("/practice/staff").code == "forbidden"
        assert newcomer.post("/practice/staff", WANDA).code == "forbidden"

    def test_the_link_works_once_and_its_page_tells_no_names_afterwards(self, call: Callable[..., Caller]) -> None:
        anyone = call()
        invited(call("A1"))
        token = flows.staff_token(anyone, ADDRESS)
        for _ in range(2):  # looking consumes nothing
            found = anyone.post("/staff-invitations/lookup", {"token": token}).json
            assert (found["state"], found["name"], found["purpose"]) == ("open", "Wanda Early", "staff_invitation")
        assert flows.join_staff(call(), token).status == 201
        found = anyone.post("/staff-invitations/lookup", {"token": token}).json
        assert (found["state"], found["name"], found["email"]) == ("used", None, None)
        again = anyone.post("/staff-invitations/second-factor", {"token": token, "password": flows.PASSWORD})
        assert again.code == "link_used"

    def test_resending_stops_the_older_link_and_revoking_the_newest(self, call: Callable[..., Caller]) -> None:
        admin, anyone = call("A1"), call()
        staff_id = invited(admin)["staff_id"]
        first = flows.staff_token(anyone, ADDRESS)
        assert admin.post(f"/practice/staff/{staff_id}/resend").status == 201
        second = flows.staff_token(anyone, ADDRESS)
        assert first != second
        assert anyone.post("/staff-invitations/lookup", {"token": first}).status == 404
        assert admin.post(f"/practice/staff/{staff_id}/revoke").status == 204
        assert anyone.post("/staff-invitations/lookup", {"token": second}).json["state"] == "revoked"
        joining = {"token": second, "password": flows.PASSWORD, "code": "000000"}
        assert anyone.post("/staff-invitations/redemption", joining).status in (404, 409)
        assert admin.get(f"/practice/staff/{staff_id}").status == 404
        # The address is free again, and an old link never opens the new invitation.
        assert invited(admin)["staff_id"] != staff_id
        third = flows.staff_token(anyone, ADDRESS)
        assert third not in (first, second)
        assert flows.join_staff(call(), third).status == 201

    def test_it_ends_after_three_days(self, world: World, call: Callable[..., Caller]) -> None:
        anyone = call()
        invited(call("A1"))
        token = flows.staff_token(anyone, ADDRESS)
        world.portal.clock.advance(72 * 3600 + 1)
        assert anyone.post("/staff-invitations/lookup", {"token": token}).json["state"] == "expired"
        joining = {"token": token, "password": flows.PASSWORD, "code": "000000"}
        assert anyone.post("/staff-invitations/redemption", joining).code == "link_expired"

    @pytest.mark.parametrize("address", ["priya@oak.example", "PRIYA@oak.example", ADDRESS])
    def test_one_address_one_colleague(self, call: Callable[..., Caller], address: str) -> None:
        admin = call("A1")
        invited(admin)
        assert admin.post("/practice/staff", WANDA | {"email": address}).code == "email_in_use"
        # The same address at another organization is unrelated.
        assert call("B1").post("/practice/staff", WANDA).status == 201

    def test_the_password_and_the_code_are_asked_for(self, call: Callable[..., Caller]) -> None:
        anyone = call()
        invited(call("A1"))
        token = flows.staff_token(anyone, ADDRESS)
        weak = anyone.post("/staff-invitations/second-factor", {"token": token, "password": "short"})
        assert (weak.status, weak.json["errors"][0]["code"]) == (422, "too_short")
        offered = anyone.post("/staff-invitations/second-factor", {"token": token, "password": flows.PASSWORD}).json
        wrong = f"{(int(levers.totp(offered['secret'], anyone.clock.now())) + 1) % 10**6:06d}"
        joining = {"token": token, "password": flows.PASSWORD, "code": wrong}
        assert anyone.post("/staff-invitations/redemption", joining).code == "proof_failed"
        assert flows.join_staff(call(), token).status == 201

    def test_before_joining_nothing_opens(self, call: Callable[..., Caller]) -> None:
        invited(call("A1"), roles=["administrator"])
        body = {"slug": "oak", "kind": "staff", "email": ADDRESS, "password": flows.PASSWORD, "code": "123456"}
        assert call().post("/sessions", body).code == "invalid_credentials"

    def test_the_same_request_twice_is_one_invitation(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        answers = [admin.post("/practice/staff", WANDA, key="the-same-colleague") for _ in range(2)]
        assert answers[0].json["staff_id"] == answers[1].json["staff_id"]
        admin.drain()
        assert len(admin.outbox(ADDRESS)) == 1

    def test_a_mail_says_nothing_that_is_not_needed(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        invited(admin)
        admin.drain()
        (mail,) = admin.outbox(ADDRESS)
        assert "Oak Lane Counseling" in mail["subject"]
        assert "Marguerite" not in mail["text"]


class TestPermissions:
    def test_roles_and_permissions_count_from_the_next_request(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        newcomer, shown = joined(call)
        assert edit(admin, shown["staff_id"], roles=["administrator", "therapist"], may_bill=True).status == 200
        assert len(newcomer.get("/practice/staff").json["items"]) == 7
        assert newcomer.get("/session").json["roles"] == ["administrator", "therapist"]
        assert edit(admin, shown["staff_id"], roles=["therapist"], may_invite=True).status == 200
        assert newcomer.get("/practice/staff").code == "forbidden"
        assert newcomer.get("/session").json["may_invite"] is True
        assert seen(admin, shown["staff_id"])["may_bill"] is True

    def test_two_administrators_edit_the_same_person(self, call: Callable[..., Caller]) -> None:
        path = f"/practice/staff/{PEOPLE['T1'].id}"
        etag = call("A1").get(path).json["etag"]
        assert call("A1").patch(path, {"may_invite": True}, etag=etag).status == 200
        refused = call("A2").patch(path, {"credentials": "PhD"}, etag=etag)
        assert (refused.status, refused.code) == (412, "stale")

    def test_proof_is_asked_for_after_a_while(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        path = f"/practice/staff/{PEOPLE['T1'].id}"
        etag = admin.get(path).json["etag"]
        for _ in range(16):  # there all the time, and still: who may sign in is asked about again
            world.portal.clock.advance(60)
            admin.post("/session/activity")
        assert admin.patch(path, {"roles": ["administrator"]}, etag=etag).code == "proof_required"
        assert admin.post(f"{path}/disable").code == "proof_required"
        code = admin.code_of("A1")
        assert admin.post("/session/proof", {"password": PEOPLE["A1"].password, "code": code}).status == 200
        assert admin.post(f"{path}/disable").status == 200

    def test_a_new_name_reaches_every_file(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        assert edit(admin, PEOPLE["T1"].id, name="Priya Newname").status == 200
        shown = admin.get(f"/practice/clients/{PEOPLE['C1'].id}").json
        assert {each["name"] for each in shown["therapists"]} == {"Priya Newname", PEOPLE["T3"].name}
        assert not [each for each in flows.stored("staff") if each.get("duepk")]


class TestDisabling:
    def test_sessions_die_at_once_and_coming_back_is_possible(self, call: Callable[..., Caller]) -> None:
        admin, therapist = call("A1"), call("T1")
        assert therapist.get("/session").status == 200
        assert act(admin, "T1", "disable").json["status"] == "disabled"
        assert therapist.get("/session").status == 401
        body = {"slug": "oak", "kind": "staff", "email": PEOPLE["T1"].email, "password": PEOPLE["T1"].password}
        assert call().post("/sessions", body | {"code": admin.code_of("T1"), "bearer": True}).status == 401
        assert act(admin, "T1", "enable").json["status"] == "active"
        assert therapist.get("/session").status == 401  # the sessions of before open nothing ever again
        again = call()
        again.sign_in("T1")
        # Whom they treat is as it was; the seat is not.
        assert [each["client_id"] for each in again.get("/practice/clients").json["items"]] == [PEOPLE["C1"].id]
        assert again.get("/session").json["seat"] is False

    def test_signing_someone_out_everywhere(self, call: Callable[..., Caller]) -> None:
        therapist = call("T1")
        assert act(call("A1"), "T1", "sign-out").status == 204
        assert therapist.get("/session").status == 401
        again = call()
        again.sign_in("T1")
        assert again.get("/session").status == 200

    def test_the_last_administrator_stays(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        assert act(admin, "A2", "disable").status == 200
        assert seen(admin, PEOPLE["A1"].id)["last_administrator"] is True
        for answer in (act(admin, "A1", "disable"), edit(admin, PEOPLE["A1"].id, roles=["therapist"])):
            assert (answer.status, answer.code) == (409, "last_administrator")
        assert admin.get("/practice/staff").status == 200
        # Someone who was only invited is none yet; once they have joined, the first may go.
        staff_id = invited(admin, roles=["administrator"])["staff_id"]
        assert act(admin, "A1", "disable").code == "last_administrator"
        newcomer = call()
        assert flows.join_staff(newcomer, flows.staff_token(newcomer, ADDRESS)).status == 201
        assert act(admin, "A1", "disable").status == 200
        assert newcomer.post(f"/practice/staff/{staff_id}/disable").code == "last_administrator"

    @pytest.mark.parametrize("turn", range(5))
    def test_two_who_disable_each_other_at_the_same_moment(self, turn: int, call: Callable[..., Caller]) -> None:
        pairs = [(call("A1"), "A2"), (call("A2"), "A1")] * 8
        answers = flows.together(16, lambda n: act(pairs[n][0], pairs[n][1], "disable"))
        states = {each["staff_id"]: each["status"] for each in flows.stored("staff")}
        left = [key for key in ("A1", "A2") if states[PEOPLE[key].id] == "active"]
        assert len(left) == 1
        assert {answer.code for answer in answers} <= {None, "last_administrator", "unauthenticated"}
        (kept,) = [each for each in flows.stored("administrators") if each["tenant_id"] == demo.tenant_id("oak")]
        assert int(kept["active"]) == 1

    def test_giving_the_role_up_at_the_same_moment(self, call: Callable[..., Caller]) -> None:
        admins = [call("A1"), call("A2")]
        own = [PEOPLE["A1"].id, PEOPLE["A2"].id]
        etags = [seen(admins[n], own[n])["etag"] for n in (0, 1)]

        def give_up(n: int) -> Answer:
            path = f"/practice/staff/{own[n % 2]}"
            return admins[n % 2].patch(path, {"roles": ["therapist"]}, etag=etags[n % 2])

        answers = flows.together(16, give_up)
        assert sum(answer.status == 200 for answer in answers) == 1
        states = {each["staff_id"]: each["roles"] for each in flows.stored("staff")}
        assert sum("administrator" in states[each] for each in own) == 1


class TestSecondFactor:
    def test_reset_by_an_administrator(self, call: Callable[..., Caller]) -> None:
        admin, therapist, anyone = call("A1"), call("T1"), call()
        person = PEOPLE["T1"]
        assert act(admin, "T1", "second-factor/reset").status == 200
        assert therapist.get("/session").status == 401
        old = {"slug": "oak", "kind": "staff", "email": person.email, "password": person.password}
        assert anyone.post("/sessions", old | {"code": admin.code_of("T1")}).code == "invalid_credentials"
        token = flows.staff_token(anyone, person.email)
        found = anyone.post("/staff-invitations/lookup", {"token": token}).json
        assert (found["state"], found["purpose"]) == ("open", "second_factor")
        # The link alone gives nothing: the secret is shown to those who know the password.
        wrong = anyone.post("/staff-invitations/second-factor", {"token": token, "password": "seven quiet otters fly"})
        assert (wrong.status, wrong.code) == (422, "proof_failed")
        assert flows.join_staff(anyone, token, person.password).status == 201
        assert anyone.get("/session").json["person"]["id"] == person.id
        assert anyone.post("/staff-invitations/lookup", {"token": token}).json["state"] == "used"

    def test_its_link_opens_nothing_once_they_are_locked_out(self, call: Callable[..., Caller]) -> None:
        """Neither while they are, nor when they may sign in again: the administrator sends another one then."""
        admin, anyone, person = call("A1"), call(), PEOPLE["T1"]
        assert act(admin, "T1", "second-factor/reset").status == 200
        token = flows.staff_token(anyone, person.email)
        assert act(admin, "T1", "disable").status == 200
        (before,) = [each for each in flows.stored("account") if each["email_digest"] == _digest_of(person)]
        known = {"token": token, "password": person.password}
        for again in (False, True):
            if again:
                assert act(admin, "T1", "enable").status == 200
            assert anyone.post("/staff-invitations/lookup", {"token": token}).json["state"] == "revoked"
            refused = anyone.post("/staff-invitations/second-factor", known)
            assert (refused.status, refused.code) == (409, "link_used")
            refused = anyone.post("/staff-invitations/redemption", known | {"code": "123456"})
            assert (refused.status, refused.code) == (409, "link_used")
        (after,) = [each for each in flows.stored("account") if each["email_digest"] == _digest_of(person)]
        assert after == before

    def test_who_is_locked_out_while_they_set_it_up_has_not_set_it_up(
        self, call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        admin, anyone, person = call("A1"), call(), PEOPLE["T1"]
        assert act(admin, "T1", "second-factor/reset").status == 200
        token, enrol = flows.staff_token(anyone, person.email), staff._enrol

        def beside(*about: Any) -> None:
            change(Staff.at(tenant_id=demo.tenant_id("oak"), staff_id=person.id), Staff.status.set("disabled"))
            enrol(*about)

        monkeypatch.setattr(staff, "_enrol", beside)
        refused = flows.join_staff(anyone, token, person.password)
        assert (refused.status, refused.code) == (409, "link_expired")
        found = anyone.post("/staff-invitations/lookup", {"token": token}).json
        assert found["state"] == "expired"


def _digest_of(person: Any) -> str:
    return accounts.email_digest(demo.tenant_id("oak"), person.email)


class TestAssignments:
    def test_from_both_sides_and_from_the_next_request(self, call: Callable[..., Caller]) -> None:
        admin, therapist = call("A1"), call("T2")
        path = f"/practice/clients/{PEOPLE['C2'].id}"
        assert therapist.get(path).status == 404
        for _ in range(2):  # doing it again changes nothing
            answer = admin.post(f"{path}/therapists", {"staff_id": PEOPLE["T2"].id})
            assert [each["staff_id"] for each in answer.json["therapists"]] == [PEOPLE["T2"].id]
        assert therapist.get(path).status == 200
        listed = admin.get(f"/practice/staff/{PEOPLE['T2'].id}/clients").json["items"]
        assert [each["client_id"] for each in listed] == [PEOPLE["C2"].id]
        for _ in range(2):
            assert admin.delete(f"{path}/therapists/{PEOPLE['T2'].id}").json["therapists"] == []
        assert therapist.get(path).status == 404
        events = [each["action"] for each in flows.stored("client_audit") if each["action"].endswith("assign")]
        assert sorted(events) == ["client:assign", "client:unassign"]

    @pytest.mark.parametrize("key", ["A1", "BT"])
    def test_not_to_everyone(self, call: Callable[..., Caller], key: str) -> None:
        body = {"staff_id": PEOPLE[key].id}
        answer = call("A1").post(f"/practice/clients/{PEOPLE['C2'].id}/therapists", body)
        assert answer.code == ("not_a_therapist" if key == "A1" else "not_found")

    def test_to_someone_who_is_disabled(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        assert act(admin, "T2", "disable").status == 200
        body = {"staff_id": PEOPLE["T2"].id}
        assert admin.post(f"/practice/clients/{PEOPLE['C2'].id}/therapists", body).code == "not_a_therapist"

    def test_revoking_an_invitation_leaves_no_assignment(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        staff_id = invited(admin)["staff_id"]
        path = f"/practice/clients/{PEOPLE['C2'].id}"
        assert admin.post(f"{path}/therapists", {"staff_id": staff_id}).status == 200
        assert admin.post(f"/practice/staff/{staff_id}/revoke").status == 204
        assert admin.get(path).json["therapists"] == []
        assert not [each for each in flows.stored("assignment") if each["staff_id"] == staff_id]

    def test_many_at_the_same_moment_lose_nobody(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        path = f"/practice/clients/{PEOPLE['C2'].id}/therapists"
        keys = ["T1", "T2", "T3", "T4"]
        answers = flows.together(8, lambda n: admin.post(path, {"staff_id": PEOPLE[keys[n % 4]].id}))
        assert {answer.status for answer in answers} == {200}
        shown = admin.get(f"/practice/clients/{PEOPLE['C2'].id}").json["therapists"]
        assert {each["staff_id"] for each in shown} == {PEOPLE[key].id for key in keys}
