"""Organizations: opened by a practice or an operator, how they stand, their profile, their plan and bill."""

import base64
import io
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from infra import tenant as operator
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

ADDRESS = "wanda@staff.example"
WILLOW = {
    "key": "k" * 40, "slug": "willow-room", "name": "Willow Room", "zone": "America/Denver", "country": "US",
    "phone": "(303) 555-0100", "administrator": "Wanda Early", "email": ADDRESS,
}  # fmt: skip
THREE_DAYS = 72 * 3600


def sign_up(anyone: Caller, **more: Any) -> Answer:
    return anyone.post("/practice-sign-up", WILLOW | more)


def mail_again(anyone: Caller, to: str, **more: Any) -> Answer:
    """Ask for the mail of `sign_up` once more."""
    return anyone.post("/practice-sign-up/mail", WILLOW | {"to": to, "attempt": uuid.uuid4().hex} | more)


def opened(call: Callable[..., Caller], **more: Any) -> Caller:
    """The first administrator of a practice that has just signed up, signed in."""
    anyone = call()
    assert sign_up(anyone, **more).status == 202
    assert flows.join_staff(anyone, flows.staff_token(anyone, ADDRESS)).status == 201
    return anyone


class TestSignUp:
    def test_from_nothing_to_the_first_day(self, call: Callable[..., Caller]) -> None:
        admin = opened(call)
        session = admin.get("/session").json
        assert session["roles"] == ["administrator"]
        assert session["standing"]["standing"] == "trial"
        assert session["tenant"]["slug"] == "willow-room"
        assert len(admin.get("/practice/forms").json["items"]) == 3
        steps = admin.get("/practice/first-steps").json["steps"]
        assert [each["step"] for each in steps if each["done"]] == []
        assert call().get("/tenants/willow-room").json["name"] == "Willow Room"

    def test_the_same_again_is_the_same_sign_up(self, call: Callable[..., Caller]) -> None:
        anyone = call()
        assert [sign_up(anyone).status for _ in range(3)] == [202, 202, 202]
        anyone.drain()
        assert len(anyone.outbox(ADDRESS)) == 1
        assert sign_up(anyone, key="l" * 40).code == "slug_taken"
        assert sign_up(anyone, email="other@staff.example").code == "slug_taken"

    def test_thirty_two_at_the_same_moment(self, call: Callable[..., Caller]) -> None:
        for turn in range(5):
            people = [call() for _ in range(32)]
            slug, key = f"willow-{turn}", f"{turn}" * 36
            answers = flows.together(32, lambda n, s=slug, k=key, p=people: sign_up(p[n], slug=s, key=f"{k}{n:02d}00"))
            assert sorted(answer.code or "" for answer in answers) == [""] + ["slug_taken"] * 31
            (place,) = [each for each in flows.stored("slug") if each["slug"] == slug]
            made = [each["tenant_id"] for each in flows.stored("tenant") if each["slug"] == slug]
            assert made == [place["tenant_id"]]

    def test_the_mail_comes_again_and_to_the_right_address(self, world: World, call: Callable[..., Caller]) -> None:
        anyone, right = call(), "wanda.early@staff.example"
        assert sign_up(anyone).status == 202
        first = flows.staff_token(anyone, ADDRESS)
        assert mail_again(anyone, ADDRESS).status == 202
        second = flows.staff_token(anyone, ADDRESS)
        assert second != first
        world.portal.clock.advance(3600)
        assert [mail_again(anyone, right).status for _ in range(2)] == [202, 202]
        third = flows.staff_token(anyone, right)
        assert anyone.post("/staff-invitations/lookup", {"token": first}).status == 404
        assert anyone.post("/staff-invitations/lookup", {"token": second}).json["state"] == "revoked"
        assert flows.join_staff(anyone, third).status == 201
        assert anyone.get("/session").json["person"]["email"] == right
        # Somebody has joined: the same answer, and no mail.
        mails = len(anyone.outbox(right)), len(anyone.outbox(ADDRESS))
        assert mail_again(anyone, ADDRESS).status == 202
        anyone.drain()
        assert (len(anyone.outbox(right)), len(anyone.outbox(ADDRESS))) == mails

    @pytest.mark.parametrize("change", [{"key": "l" * 40}, {"name": "Willow"}, {"slug": "oak"}, {"slug": "nobodys"}])
    def test_who_did_not_sign_up_gets_no_mail_and_no_other_answer(
        self, call: Callable[..., Caller], change: dict[str, str]
    ) -> None:
        anyone = call()
        assert sign_up(anyone).status == 202
        anyone.drain()
        answer = mail_again(anyone, "other@staff.example", **change)
        assert (answer.status, answer.json) == (202, {"slug": change.get("slug", "willow-room"), "hours": 72})
        anyone.drain()
        assert not anyone.outbox("other@staff.example")

    def test_mails_again_have_the_caps_of_the_sign_up(
        self, call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from chalicelib.config import settings as stage

        few = stage.model_copy(update={"limits": {**stage.limits, "practice_sign_up_email": (2, 86400)}})
        monkeypatch.setattr("chalicelib.services.openings.settings", few)
        assert sign_up(call()).status == 202
        answers = [mail_again(call(), ADDRESS) for _ in range(2)]
        assert [answer.status for answer in answers] == [202, 429]
        wrong = mail_again(call(), "no address")
        assert (wrong.status, wrong.json["errors"][0]["pointer"]) == (422, "/to")

    def test_a_mail_again_keeps_the_name_no_longer(self, world: World, call: Callable[..., Caller]) -> None:
        anyone = call()
        assert sign_up(anyone).status == 202
        anyone.drain()
        world.portal.clock.advance(THREE_DAYS - 60)
        assert mail_again(anyone, ADDRESS).status == 202
        token = flows.staff_token(anyone, ADDRESS)
        assert anyone.post("/staff-invitations/lookup", {"token": token}).json["state"] == "open"
        world.portal.clock.advance(120)
        assert anyone.post("/staff-invitations/lookup", {"token": token}).json["state"] == "expired"
        assert mail_again(anyone, "late@staff.example").status == 202
        world.portal.clock.advance(3700)
        anyone.drain()
        assert anyone.get("/tenants/willow-room").status == 404
        assert not anyone.outbox("late@staff.example")

    def test_nobody_came(self, world: World, call: Callable[..., Caller]) -> None:
        anyone = call()
        before = len(flows.stored())
        assert sign_up(anyone).status == 202
        token = flows.staff_token(anyone, ADDRESS)
        world.portal.clock.advance(THREE_DAYS + 3700)
        anyone.drain()
        assert anyone.post("/staff-invitations/lookup", {"token": token}).status == 404
        assert anyone.get("/tenants/willow-room").status == 404
        left = [each for each in flows.stored() if each["kind"] not in ("attempts", "sent_message", "staff_mail")]
        assert {each["kind"] for each in left[before:]} <= {"tenant_audit"} or len(left) <= before + 1
        assert sign_up(anyone, key="m" * 40).status == 202  # the name is free again

    def test_somebody_came(self, world: World, call: Callable[..., Caller]) -> None:
        admin = opened(call)
        world.portal.clock.advance(THREE_DAYS * 2)
        call().drain()
        assert call().get("/tenants/willow-room").status == 200
        assert admin.get("/session").status == 401  # only the session is over

    @pytest.mark.parametrize(
        ("slug", "reason"),
        [
            ("oak", "taken"), ("api", "taken"), ("join-staff", "taken"), ("willow", None), ("Willow", "shape"),
            ("-x", "shape"), ("a_b", "shape"), ("x" * 64, "shape"), ("", "shape"),
        ],
    )  # fmt: skip
    def test_names(self, call: Callable[..., Caller], slug: str, reason: str | None) -> None:
        answer = call().post("/practice-sign-up/slug", {"slug": slug})
        assert answer.json == {"slug": slug, "free": reason is None, "reason": reason}

    def test_a_name_is_suggested(self, call: Callable[..., Caller]) -> None:
        answer = call().post("/practice-sign-up/slug", {"name": "Río Oak & Company, P.C."})
        assert answer.json["slug"] == "rio-oak-company-p-c"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("zone", "America/Nowhere"), ("zone", "../etc"), ("country", "USA"), ("email", "not an address"),
            ("name", "x"), ("phone", "call me"), ("slug", "api"), ("key", "short"), ("administrator", "  "),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named(self, call: Callable[..., Caller], field: str, value: str) -> None:
        answer = sign_up(call(), **{field: value})
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, f"/{field}")
        assert not [each for each in flows.stored("tenant") if each["slug"] == "willow-room"]

    def test_only_where_it_is_switched_on(self, call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
        from chalicelib.config import Settings
        from chalicelib.config import settings as stage

        assert Settings.model_fields["practice_sign_up"].default is False
        off = stage.model_copy(update={"practice_sign_up": False})
        monkeypatch.setattr("chalicelib.services.openings.settings", off)
        monkeypatch.setattr("chalicelib.handlers.openings.settings", off)
        assert call().get("/practice-sign-up").json["open"] is False
        assert sign_up(call()).code == "sign_up_closed"
        assert call().post("/practice-sign-up/slug", {"slug": "oak"}).code == "sign_up_closed"

    def test_so_many_from_one_address(self, call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
        from chalicelib.config import settings as stage

        few = stage.model_copy(update={"limits": {**stage.limits, "practice_sign_up_address": (2, 86400)}})
        monkeypatch.setattr("chalicelib.services.openings.settings", few)
        answers = [sign_up(call(), slug=f"willow-{n}", key=f"{n}" * 40) for n in range(3)]
        assert [answer.status for answer in answers] == [202, 202, 429]


def run(*arguments: str) -> dict[str, Any]:
    return operator.run(arguments)


CREATE = (
    "create", "--slug", "elm", "--name", "Elm Row", "--zone", "Europe/Berlin", "--country", "DE", "--phone",
    "030 5550100", "--email", ADDRESS, "--administrator", "Wanda Early", "--plan", "plus",
)  # fmt: skip


class TestOperator:
    def test_opens_an_organization(self, world: World, call: Callable[..., Caller]) -> None:
        for _ in range(2):
            made = run(*CREATE)
            assert (made["status"], made["plan"], made["staff"]["invited"]) == ("active", "plus", 1)
        anyone = call()
        assert flows.join_staff(anyone, flows.staff_token(anyone, ADDRESS)).status == 201
        world.portal.clock.advance(THREE_DAYS * 2)
        anyone.drain()
        assert run("show", "--slug", "elm")["staff"]["active"] == 1

    def test_refuses_what_cannot_be(self, world: World) -> None:
        for change in (("--slug", "oak"), ("--slug", "a b"), ("--zone", "Nowhere"), ("--email", "x")):
            arguments = list(CREATE)
            arguments[arguments.index(change[0]) + 1] = change[1]
            with pytest.raises(operator.Refused):
                run(*arguments)

    def test_how_it_stands_and_its_plan(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        assert run("suspend", "--slug", "oak")["standing"] == "suspended"
        assert admin.get("/session").json["standing"]["standing"] == "suspended"
        assert run("trial", "--slug", "oak", "--days", "3")["standing"] == "trial"
        world.portal.clock.advance(10 * 60)
        assert admin.get("/session").json["standing"]["standing"] == "trial"
        assert run("activate", "--slug", "oak")["standing"] == "active"
        assert run("set-plan", "--slug", "oak", "--plan", "basic")["plan"] == "basic"
        with pytest.raises(operator.Refused, match="already"):
            run("set-plan", "--slug", "oak", "--plan", "basic")

    def test_raises_a_cap(self, world: World, call: Callable[..., Caller]) -> None:
        run("set-cap", "--slug", "oak", "--cap", "invitations_tenant", "--most", "1")
        admin = call("A1")
        answers = [flows.invite(admin, PEOPLE["C4"].id, flows.NOTICE)]
        admin.post(f"/practice/clients/{PEOPLE['C4'].id}/invites/{answers[0].json['invite_id']}/revoke")
        answers.append(flows.invite(admin, PEOPLE["C4"].id, flows.NOTICE))
        assert [answer.status for answer in answers] == [201, 429]
        run("set-cap", "--slug", "oak", "--cap", "invitations_tenant", "--most", "1000")
        assert flows.invite(admin, PEOPLE["C4"].id, flows.NOTICE).status == 201

    def test_by_lever(self, call: Callable[..., Caller]) -> None:
        made = call().local("POST", "/tenant", {"arguments": list(CREATE)})
        assert made["slug"] == "elm"
        refused = call().send("POST", "/_local/tenant", b'{"arguments": ["show", "--slug", "nothing"]}', {})
        assert refused.status == 422


class TestStanding:
    @pytest.fixture(params=["suspended", "after the trial"])
    def paused(self, request: pytest.FixtureRequest, world: World, call: Callable[..., Caller]) -> None:
        if request.param == "suspended":
            run("suspend", "--slug", "oak")
        else:
            run("trial", "--slug", "oak", "--days", "0")

    def test_nothing_new_is_sent_and_everything_can_be_read(
        self, world: World, call: Callable[..., Caller], paused: None
    ) -> None:
        admin, client = call("A1"), call("C1")
        for answer in (
            flows.invite(admin, PEOPLE["C4"].id, flows.NOTICE),
            admin.post("/practice/staff", {"name": "Ada Later", "email": ADDRESS, "roles": ["therapist"]}),
        ):
            assert (answer.status, answer.code) == (403, "organization_suspended")
        for path in ("/practice/clients", f"/practice/clients/{PEOPLE['C1'].id}", "/practice/subscription"):
            assert admin.get(path).status == 200
        for path in ("/portal/home", "/portal/profile", "/portal/documents"):
            assert client.get(path).status == 200
        again = call()
        again.sign_in("T1")
        reasons = {each["reason"] for each in again.get("/session").json["features"].values()}
        assert reasons == {"organization_suspended"}
        assert client.get("/session").json["standing"] is None

    def test_nobody_joins_and_nothing_is_brought_in_until_it_goes_on(self, call: Callable[..., Caller]) -> None:
        admin, anyone, client = call("A1"), call(), call("C1")
        flows.invite(admin, PEOPLE["C4"].id)
        token = flows.mailed_token(admin, PEOPLE["C4"].email)
        card = {"name": "card.txt", "size": 5, "category": "other"}
        begun = client.post("/portal/uploads", card).json
        flows.post_file(anyone, begun, b"Ada Q")
        run("suspend", "--slug", "oak")
        found = anyone.post("/invitations/lookup", {"token": token}).json
        assert (found["state"], found["first_name"]) == ("paused", None)
        tries = (
            flows.redeem(anyone, token),
            client.post("/portal/uploads", card),
            admin.post(f"/practice/clients/{PEOPLE['C1'].id}/uploads", card | {"purpose": "document"}),
            admin.post("/practice/tokens", {"name": "Scheduler", "scopes": ["forms:read"]}),
        )
        assert {(answer.status, answer.code) for answer in tries} == {(403, "organization_suspended")}
        assert client.post(f"/portal/uploads/{begun['upload_id']}/finish").status == 200  # what was begun comes in
        run("activate", "--slug", "oak")
        assert flows.redeem(anyone, token).status == 201


class TestProfile:
    def test_change_and_conflict(self, call: Callable[..., Caller]) -> None:
        first, second = call("A1"), call("A2")
        etag = first.get("/practice/organization").json["etag"]
        changed = first.patch("/practice/organization", {"name": "Oak & Elm", "address": ""}, etag=etag)
        assert (changed.json["name"], changed.json["address"]) == ("Oak & Elm", None)
        refused = second.patch("/practice/organization", {"phone": "(212) 555-0199"}, etag=etag)
        assert (refused.status, refused.code) == (412, "stale")
        assert call("T1").patch("/practice/organization", {"name": "Mine"}, etag=etag).code == "forbidden"
        assert call().get("/tenants/oak").json["name"] == "Oak & Elm"

    def test_a_colour_is_kept_as_hue_and_strength(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        tried = admin.post("/practice/organization/colour", {"brand": "#ff0000"}).json
        assert tried == {"hue": 29.2, "chroma": 0.1}
        etag = admin.get("/practice/organization").json["etag"]
        kept = admin.patch("/practice/organization", {"brand": "#ff0000"}, etag=etag).json
        assert (kept["brand"], kept["brand_hex"]) == (tried, "#ff0000")
        assert call().get("/tenants/oak").json["brand"] == tried

    def test_a_logo_is_drawn_anew_and_served_for_good(self, call: Callable[..., Caller]) -> None:
        admin, anyone = call("A1"), call()
        etag = admin.get("/practice/organization").json["etag"]
        sent = picture("JPEG", (1200, 300), exif=True)
        shown = admin.post("/practice/organization/logo", {"image": sent}, etag=etag)
        assert shown.status == 200, shown
        face = anyone.get("/tenants/oak").json
        answer = anyone.get(face["logo"])
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        data = base64.b64decode(answer.json["base64"])
        with Image.open(io.BytesIO(data)) as drawn:
            assert (drawn.format, drawn.size, drawn.info) == ("PNG", (480, 120), {})
        assert b"secret place" not in data
        gone = admin.delete("/practice/organization/logo", etag=shown.json["etag"])
        assert gone.json["logo"] is None
        assert anyone.get(face["logo"]).status == 200  # who has the old page still finds it
        assert anyone.get(face["logo"].replace("/oak/", "/birch/")).status == 404

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "wrong_kind"),
            (b"GIF89a" + bytes(60), "wrong_kind"),
            (b"\x89PNG\r\n\x1a\n" + bytes(60), "unreadable"),
            (b"\xff\xd8\xff" + bytes(60), "unreadable"),
            (b"\x89PNG\r\n\x1a\n" + bytes(200 * 1024), "too_long"),
        ],
    )
    def test_other_files_are_refused(self, call: Callable[..., Caller], data: bytes, code: str) -> None:
        admin = call("A1")
        etag = admin.get("/practice/organization").json["etag"]
        body = {"image": base64.b64encode(data).decode()}
        answer = admin.post("/practice/organization/logo", body, etag=etag)
        assert (answer.status, answer.json["errors"][0]["code"]) == (422, code)

    def test_a_picture_that_unpacks_into_too_much(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        etag = admin.get("/practice/organization").json["etag"]
        answer = admin.post("/practice/organization/logo", {"image": picture("PNG", (9000, 9000))}, etag=etag)
        assert answer.json["errors"][0]["code"] in ("too_many_pixels", "unreadable")


def picture(kind: str, size: tuple[int, int], exif: bool = False) -> str:
    image, out = Image.new("L" if kind == "PNG" else "RGB", size), io.BytesIO()
    more: dict[str, Any] = {}
    if exif:
        tags = Image.Exif()
        tags[270] = "secret place"
        more["exif"] = tags
    image.save(out, kind, **more)
    return base64.b64encode(out.getvalue()).decode()


class TestSubscription:
    def test_a_downgrade_loses_nothing(self, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        shown = admin.get("/practice/subscription").json
        (basic,) = [each for each in shown["plans"] if each["plan"] == "basic"]
        assert basic["stops"] == ["messaging", "self_scheduling"]
        changed = admin.post("/practice/subscription/plan", {"plan": "basic"}, etag=shown["etag"])
        assert changed.json["plan"] == "basic"
        off = admin.get("/session").json["features"]
        assert off["messaging"] == {"on": False, "reason": "not_in_plan"}
        back = admin.post("/practice/subscription/plan", {"plan": "plus"}, etag=changed.json["etag"])
        assert back.status == 200
        assert admin.get("/session").json["features"]["messaging"]["on"] is True  # switches kept their place

    def test_two_administrators_change_it(self, call: Callable[..., Caller]) -> None:
        etag = call("A1").get("/practice/subscription").json["etag"]
        assert call("A1").post("/practice/subscription/plan", {"plan": "basic"}, etag=etag).status == 200
        assert call("A2").post("/practice/subscription/plan", {"plan": "plus"}, etag=etag).code == "stale"

    def test_seats_take_effect_at_once_and_are_kept_with_their_time(self, call: Callable[..., Caller]) -> None:
        admin, therapist = call("A1"), call("T1")
        path = f"/practice/staff/{PEOPLE['T1'].id}/seat"
        before = len(flows.stored("subscription_change"))
        for on in (False, False, True):
            shown = admin.post(path, {"seat": on}).json
            (seat,) = [each for each in shown["seats"] if each["staff_id"] == PEOPLE["T1"].id]
            assert seat["seat"] is on
            assert therapist.get("/session").json["features"]["messaging"]["on"] is on
        assert len(flows.stored("subscription_change")) == before + 2

    def test_the_bill_of_the_demo(self, world: World, call: Callable[..., Caller]) -> None:
        bill = call("A1").get("/practice/subscription").json["bill"]
        today = world.portal.clock.now().astimezone(ZoneInfo("America/New_York")).date()
        assert bill["until"] == today.isoformat()
        (plan,) = [each for each in bill["expected"] if each["what"] == "plan"]
        left = bill["days"] - today.day + 1
        assert (plan["days"], plan["amount"]["amount"]) == (left, round(2900 * left / bill["days"] + 1e-9))
        seats = [each for each in bill["expected"] if each["what"] == "seat"]
        assert sorted(each["free_days"] for each in seats) == [0, 0, 0, 0, left]


ZONE = ZoneInfo("America/New_York")


def change(at: str, what: str, value: str, staff_id: str | None = None) -> Any:
    from chalicelib.services import subscriptions

    moment = datetime.fromisoformat(at).replace(tzinfo=ZONE).astimezone(UTC)
    return subscriptions.changed("01KF8DEM0000000000000000K0", moment, what, value, by="x", staff_id=staff_id)


def november(*changes: Any, through: int = 30) -> dict[tuple[str, str], tuple[int, int, int]]:
    from chalicelib.services import subscriptions

    known = sorted(changes, key=lambda each: str(each.happened_at))
    lines = subscriptions.bill(known, date(2026, 11, 1), 30, through, ZONE)
    return {(each.what, each.about): (each.days, each.free_days, each.amount) for each in lines}


BEGUN = (change("2026-10-01T12:00", "plan", "plus"), change("2026-10-01T12:00", "standing", "active"))


class TestBill:
    """The rule of services.subscriptions, by example. November 2026 has 30 days; a seat is $6.00, Plus $29.00."""

    def test_a_whole_month(self) -> None:
        seats = [change(f"2026-10-0{n}T12:00", "seat", "on", who) for n, who in ((2, "a"), (3, "b"))]
        assert november(*BEGUN, *seats) == {
            ("plan", "plus"): (30, 0, 2900), ("seat", "a"): (30, 30, 0), ("seat", "b"): (30, 0, 600),
        }  # fmt: skip

    def test_a_seat_counts_from_the_day_it_is_added_through_the_day_it_is_given_up(self) -> None:
        seats = [
            change("2026-10-02T12:00", "seat", "on", "a"),
            change("2026-11-11T23:59", "seat", "on", "b"),
            change("2026-11-20T00:00", "seat", "off", "b"),
        ]
        assert november(*BEGUN, *seats)[("seat", "b")] == (10, 0, 200)  # 11 to 20 November

    def test_an_hour_is_a_day(self) -> None:
        seats = [
            change("2026-10-02T12:00", "seat", "on", "a"),
            change("2026-11-11T09:00", "seat", "on", "b"),
            change("2026-11-11T10:00", "seat", "off", "b"),
        ]
        assert november(*BEGUN, *seats)[("seat", "b")] == (1, 0, 20)

    def test_the_free_seat_passes_on(self) -> None:
        seats = [
            change("2026-10-02T12:00", "seat", "on", "a"),
            change("2026-10-03T12:00", "seat", "on", "b"),
            change("2026-11-15T12:00", "seat", "off", "a"),
        ]
        found = november(*BEGUN, *seats)
        assert found[("seat", "a")] == (15, 15, 0)
        assert found[("seat", "b")] == (30, 15, 300)

    def test_the_dearer_plan_of_the_day(self) -> None:
        found = november(*BEGUN, change("2026-11-10T12:00", "plan", "basic"))
        assert found == {("plan", "plus"): (10, 0, 967), ("plan", "basic"): (20, 0, 1267)}

    def test_trial_and_suspended_days_are_free(self) -> None:
        trial = (change("2026-10-20T12:00", "plan", "plus"), change("2026-10-20T12:00", "standing", "trial"))
        assert november(*trial) == {}
        active = (change("2026-11-16T12:00", "standing", "active"), change("2026-11-20T12:00", "standing", "suspended"))
        assert november(*trial, *active) == {("plan", "plus"): (5, 0, 483)}

    def test_days_are_the_organizations_own(self) -> None:
        late = change("2026-10-31T23:30", "seat", "on", "b")  # 1 November in UTC
        seats = [change("2026-10-02T12:00", "seat", "on", "a"), late, change("2026-11-01T00:10", "seat", "off", "b")]
        assert november(*BEGUN, *seats)[("seat", "b")] == (1, 0, 20)

    def test_up_to_today(self) -> None:
        assert november(*BEGUN, through=10) == {("plan", "plus"): (10, 0, 967)}


class TestFirstSteps:
    def test_in_order_and_out_of_the_way(self, call: Callable[..., Caller]) -> None:
        admin = opened(call)
        etag = admin.get("/practice/organization").json["etag"]
        changed = {"address": "1 Willow Way", "brand": "#336699"}
        assert admin.patch("/practice/organization", changed, etag=etag).status == 200
        colleague = {"name": "Ada Later", "email": "ada@staff.example", "roles": ["therapist"]}
        assert admin.post("/practice/staff", colleague).status == 201
        assert admin.post("/practice/first-steps", {"step": "forms"}).status == 200
        steps = admin.get("/practice/first-steps").json["steps"]
        assert [each["step"] for each in steps if not each["done"]] == ["client", "invitation", "signed"]
        assert admin.post("/practice/first-steps", {"step": "dismissed"}).json == {"steps": [], "dismissed": True}
        assert admin.get("/practice/first-steps").json["dismissed"] is True
        assert call("T1").get("/practice/first-steps").code == "forbidden"

    def test_the_last_step(self, call: Callable[..., Caller]) -> None:
        flows.signed_document(call("C1"), "C1")
        call().drain()
        steps = call("A1").get("/practice/first-steps").json["steps"]
        assert {each["step"]: each["done"] for each in steps}["signed"] is True
