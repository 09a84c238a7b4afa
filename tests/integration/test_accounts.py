"""Every account path made safe: passwords, devices, sessions, second factor, addresses (notes: security 0.5, 3.1, 3.7).

One negative test for each published weakness that concerns accounts (security 0.5, systems 6.3), by its number.
"""

import re
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters import breached
from chalicelib.models.staff import Staff
from chalicelib.models.transaction import change
from chalicelib.services import accounts, devices, passwords
from infra.local import levers, state
from infra.local import world as demo
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import Canaries, World

Limits = Callable[..., None]
NEW = "nine purple walnuts sing"
ELSEWHERE = "immy@elsewhere.example"
HOUR = 3600


def _sign_in(caller: Caller, key: str, **changed: Any) -> Answer:
    person = PEOPLE[key]
    kind = "staff" if isinstance(person, demo.StaffMember) else "client"
    body = {"slug": person.tenant, "kind": kind, "email": person.email, "password": person.password, **changed}
    answer = caller.post("/sessions", body)
    if answer.status == 201:
        caller.remember(answer)
    return answer


def _reset(caller: Caller, token: str, password: str = NEW) -> Answer:
    return caller.post("/password-resets/redemption", {"token": token, "password": password})


def _plain(answer: Answer) -> tuple[Any, ...]:
    return answer.status, tuple(sorted(answer.headers)), re.sub(rb"urn:request:[0-9a-f-]+", b"", answer.body)


def _subjects(caller: Caller, to: str) -> list[str]:
    caller.drain()
    return [mail["subject"] for mail in caller.outbox(to)]


def _enrol(caller: Caller) -> tuple[str, list[str]]:
    """A new authenticator for whoever is signed in: its secret, and the recovery codes."""
    secret = caller.post("/account/totp").json["secret"]
    answer = caller.post("/account/totp/confirmation", {"code": levers.totp(secret, caller.clock.now())})
    assert answer.status == 201, answer
    return secret, answer.json["codes"]


# ---- a forgotten password ----


class TestForgottenPassword:
    @pytest.mark.parametrize("key", ["C1", "T1"])
    def test_a_link_sets_a_new_password_and_ends_every_session(
        self, key: str, world: World, call: Callable[..., Caller]
    ) -> None:
        inside, anyone = call(key), call()
        token = flows.reset_link(anyone, key)
        offer = anyone.post("/password-resets/lookup", {"token": token}).json
        assert (offer["state"], offer["tenant"]["slug"]) == ("open", "oak")
        assert inside.get("/session").status == 200  # nothing has happened yet
        answer = _reset(anyone, token)
        assert (answer.status, answer.headers.get_all("Set-Cookie")) == (200, None)  # nobody is signed in by it
        assert inside.get("/session").status == 401
        assert _sign_in(call(), key).status == 401
        world.portal.clock.advance(60)
        fresh = call()
        code = fresh.code_of(key) if key == "T1" else None
        assert _sign_in(fresh, key, password=NEW, code=code).status == 201
        assert "Your password was changed" in _subjects(anyone, PEOPLE[key].email)

    def test_the_second_factor_is_kept(self, world: World, call: Callable[..., Caller]) -> None:
        """ASVS 6.4.3; CVE-2025-66489 the other way round: what was mailed does not stand in for the code."""
        anyone = call()
        assert _reset(anyone, flows.reset_link(anyone, "T1")).status == 200
        assert _sign_in(call(), "T1", password=NEW).code == "second_factor_required"
        client = call("C1")
        _enrol(client)
        assert _reset(anyone, flows.reset_link(anyone, "C1")).status == 200
        assert _sign_in(call(), "C1", password=NEW).code == "second_factor_required"

    def test_the_answer_is_the_same_whoever_is_asked_about(self, call: Callable[..., Caller]) -> None:
        """Polar's 409 and every portal that says "unknown address": the answer is one, to the byte."""
        anyone = call()
        asked = [
            flows.ask_reset(anyone, "C1", **changed)
            for changed in (
                {}, {"email": "nobody@mail.example"}, {"email": PEOPLE["C4"].email}, {"email": PEOPLE["CB"].email},
                {"email": "not an address"}, {"kind": "staff"}, {"slug": "elm"}, {"email": PEOPLE["C5"].email},
            )
        ]  # fmt: skip
        assert {_plain(answer) for answer in asked} == {(202, *_plain(asked[0])[1:])}
        anyone.drain()
        assert [mail["to"] for mail in anyone.outbox()] == [[PEOPLE["C1"].email]]

    def test_the_time_is_the_same_and_so_is_what_is_written(self, call: Callable[..., Caller]) -> None:
        """CVE-2025-style timing oracles: the request writes the same records for every address; the mailer looks."""
        anyone = call()
        times: dict[str, list[float]] = {"imogen@mail.example": [], "nobody@mail.example": []}
        for number in range(24):
            for email, taken in times.items():
                started = time.process_time()
                flows.ask_reset(anyone, "C1", email=email)
                if number > 3:
                    taken.append(time.process_time() - started)
        known, unknown = (statistics.median(taken) for taken in times.values())
        assert abs(known - unknown) < 0.015
        written = {each["email_digest"] for each in flows.stored("link", "account_mail")}
        assert len(written) == 2
        counts = [len([1 for m in flows.stored("account_mail") if m["email_digest"] == each]) for each in written]
        assert counts[0] == counts[1]

    def test_whoever_was_invited_and_never_joined_has_the_invitation(self, call: Callable[..., Caller]) -> None:
        anyone = call()
        assert flows.invite(call("T4"), PEOPLE["C4"].id, flows.NOTICE).status == 201
        assert flows.ask_reset(anyone, "C4").status == 202
        assert len(_subjects(anyone, PEOPLE["C4"].email)) == 1

    def test_a_disabled_staff_member_gets_none(self, world: World, call: Callable[..., Caller]) -> None:
        anyone = call()
        token = flows.reset_link(anyone, "T2")
        place = {"tenant_id": world.tenant_id("oak"), "staff_id": world.id("T2")}
        change(Staff.at(**place), Staff.status.set("disabled"))
        assert _reset(anyone, token).code == "link_expired"
        sent = len(anyone.outbox(PEOPLE["T2"].email))
        assert flows.ask_reset(anyone, "T2").status == 202
        assert len(_subjects(anyone, PEOPLE["T2"].email)) == sent

    def test_a_link_works_once_for_thirty_minutes_and_only_the_newest(
        self, world: World, call: Callable[..., Caller]
    ) -> None:
        anyone = call()
        first = flows.reset_link(anyone, "C1")
        second = flows.reset_link(anyone, "C1")
        assert _reset(anyone, first).code == "not_found"
        world.portal.clock.advance(31 * 60)
        assert anyone.post("/password-resets/lookup", {"token": second}).json["state"] == "expired"
        assert _reset(anyone, second).code == "link_expired"
        third = flows.reset_link(anyone, "C1")
        assert _reset(anyone, third).status == 200
        assert anyone.post("/password-resets/lookup", {"token": third}).json["state"] == "used"
        assert _reset(anyone, third, "another one that is long").code == "link_used"

    def test_of_32_tries_with_one_link_one_wins(self, call: Callable[..., Caller]) -> None:
        """medplum setpassword.ts: the password was set first and the link marked afterwards, so two posts both won."""
        anyone = call()
        token = flows.reset_link(anyone, "C1")
        callers = [call() for _ in range(32)]
        words = [f"{NEW} number {number}" for number in range(32)]
        answers = flows.together(32, lambda n: _reset(callers[n], token, words[n]))
        statuses = [answer.status for answer in answers]
        assert statuses.count(200) == 1
        assert {answer.code for answer in answers if answer.status != 200} <= {"link_used", "busy"}
        assert _sign_in(call(), "C1", password=words[statuses.index(200)]).status == 201

    def test_asking_twice_within_a_minute_is_asking_once(self, world: World, call: Callable[..., Caller]) -> None:
        anyone = call()
        for _ in range(3):
            assert flows.ask_reset(anyone, "C1").status == 202
        assert len(_subjects(anyone, PEOPLE["C1"].email)) == 1
        world.portal.clock.advance(61)
        assert flows.ask_reset(anyone, "C1").status == 202
        assert len(_subjects(anyone, PEOPLE["C1"].email)) == 2

    def test_a_refused_password_uses_nothing_up(self, call: Callable[..., Caller]) -> None:
        anyone = call()
        token = flows.reset_link(anyone, "C1")
        for password, code in (("short", "too_short"), ("Imogen Thistlewood 1991", "contains_email")):
            answer = _reset(anyone, token, password)
            assert (answer.status, [fault["code"] for fault in answer.json["errors"]]) == (422, [code])
        assert _reset(anyone, token).status == 200

    def test_following_the_link_changes_nothing(self, call: Callable[..., Caller]) -> None:
        """Mail scanners follow links: nothing is used up by looking, and GET is no way in."""
        anyone = call()
        token = flows.reset_link(anyone, "C1")
        for _ in range(20):
            assert anyone.post("/password-resets/lookup", {"token": token}).json["state"] == "open"
        assert anyone.get(f"/password-resets/redemption?token={token}").status in (400, 403, 404, 405)
        assert _reset(anyone, token).status == 200

    def test_the_link_leads_to_the_portal_whatever_host_was_named(self, call: Callable[..., Caller]) -> None:
        """CVE-2012-4520: a forged Host header put another server's name into the mail."""
        anyone = call()
        body = {"slug": "oak", "kind": "client", "email": PEOPLE["C1"].email}
        told = {"X-Forwarded-Host": "evil.example", "Origin": "https://evil.example", "Referer": "https://evil.example"}
        assert anyone.post("/password-resets", body, headers=told).status == 202
        anyone.drain()
        mail = anyone.outbox(PEOPLE["C1"].email)[-1]
        assert "evil.example" not in mail["text"] + mail["html"]
        assert f"http://localhost:{anyone.port}/reset#" in mail["text"]

    def test_an_address_that_folds_into_another_gets_nothing(self, call: Callable[..., Caller]) -> None:
        """CVE-2019-19844: "ı" and full-width letters became somebody else's address; the mail went to the typed one."""
        anyone = call()
        for typed in ("ımogen@mail.example", "imogen@mail.example", "imogen@mail.example.", "ImoGen@MAIL.example"):
            assert flows.ask_reset(anyone, "C1", email=typed).status == 202
        anyone.drain()
        assert [mail["to"] for mail in anyone.outbox()] == [[PEOPLE["C1"].email]]  # the last: capitals do not matter

    def test_asking_is_limited_by_address_asked_about_and_by_place(
        self,
        limits: Limits,
        call: Callable[..., Caller],
    ) -> None:
        limits(password_reset_account=(3, HOUR))
        anyone = call()
        for email in (PEOPLE["C1"].email, "nobody@mail.example"):  # the limit tells nothing either
            answers = [flows.ask_reset(anyone, "C1", email=email) for _ in range(4)]
            assert [answer.status for answer in answers] == [202, 202, 202, 429]
            assert int(answers[3].headers["Retry-After"]) <= HOUR
        limits(password_reset_address=(2, HOUR))
        answers = [flows.ask_reset(anyone, key) for key in ("C2", "C3", "T1")]
        assert answers[-1].status == 429
        elsewhere = call()
        elsewhere.source = "127.0.0.9"
        assert flows.ask_reset(elsewhere, "C3").status == 202

    def test_a_link_opens_nothing_else(self, call: Callable[..., Caller]) -> None:
        """OpenEMR CVE-2018-15152: having been on a page before the account opened the pages behind it."""
        anyone = call()
        token = flows.reset_link(anyone, "C1")
        anyone.post("/password-resets/lookup", {"token": token})
        for path in ("/session", "/account", "/portal/profile", "/portal/home"):
            assert anyone.get(path).status == 401
            assert anyone.get(path, headers={"Authorization": f"Bearer {token}"}).status == 401
        assert anyone.post("/email-changes/redemption", {"token": token}).status == 404
        assert flows.redeem(anyone, token).status in (404, 422)

    def test_a_link_of_one_organization_does_nothing_in_another(self, call: Callable[..., Caller]) -> None:
        anyone = call()
        token = flows.reset_link(anyone, "C1")
        other = demo.tenant_id("birch") + token[26:]
        assert _reset(anyone, other).status == 404

    def test_tokens_are_random_and_stored_nowhere(self, call: Callable[..., Caller]) -> None:
        """CVE-2026-9188: a token that could be computed from ids. Ours is a MAC of 256 bits; its digest is stored."""
        anyone = call()
        tokens = [flows.reset_link(anyone, key) for key in ("C1", "C2", "C1")]
        secrets = [token.rpartition(".")[2] for token in tokens]
        assert len(set(secrets)) == 3
        assert min(len(secret) for secret in secrets) >= 43
        assert not [item for item in flows.stored() if any(secret in str(item) for secret in secrets)]


# ---- passwords ----


class TestPasswords:
    def test_changing_it_ends_every_other_session(self, call: Callable[..., Caller]) -> None:
        here, there = call.browser("C1"), call.browser("C1")  # type: ignore[attr-defined]
        assert here.post("/account/password", {"password": NEW}).status == 204
        assert (here.get("/session").status, there.get("/session").status) == (200, 401)
        assert (_sign_in(call(), "C1").status, _sign_in(call(), "C1", password=NEW).status) == (401, 201)
        assert "Your password was changed" in _subjects(call(), PEOPLE["C1"].email)

    def test_it_needs_proof_after_a_pause(self, world: World, call: Callable[..., Caller]) -> None:
        """CVE-2026-23478: what a session says of itself was enough to change who it is of (ASVS 7.5.1)."""
        client = call("C1")
        world.portal.clock.advance(16 * 60)
        for path, body in (
            ("/account/password", {"password": NEW}),
            ("/account/email", {"email": ELSEWHERE}),
            ("/account/totp", {}),
            ("/account/totp/confirmation", {"code": "000000"}),
            ("/account/recovery-codes", {}),
        ):
            assert client.post(path, body).code == "proof_required", path
        assert client.delete("/account/totp").code == "proof_required"
        assert client.post("/session/proof", {"password": PEOPLE["C1"].password}).status == 200
        assert client.post("/account/password", {"password": NEW}).status == 204

    @pytest.mark.parametrize("name", ["person_id", "client_id", "kind", "email", "slug", "account", "current"])
    def test_whose_it_is_comes_from_the_session(self, name: str, call: Callable[..., Caller]) -> None:
        """CVE-2025-67645, CVE-2026-25744: an id in the body changed somebody else's record."""
        answer = call("C1").post("/account/password", {"password": NEW, name: PEOPLE["C2"].id})
        assert answer.status == 422
        assert _sign_in(call(), "C2").status == 201

    @pytest.mark.parametrize(
        ("password", "code"),
        [
            ("fourteen chars", "too_short"),
            ("x" * 129, "too_long"),
            ("passwordpassword", "too_common"),
            ("P@ssw0rd P@ssw0rd 2026", "too_common"),
            ("qwertyuiop asdfghjkl", "too_common"),
            ("1qaz2wsx3edc4rfv", "too_common"),
            ("poiuytrewqlkjhgfdsa", "too_common"),
            ("abcdefghijklmnopqrst", "too_common"),
            ("987654321987654321", "too_common"),
            ("Summer2025Winter2026", "too_common"),
            ("1999 2000 2001 2002", "too_common"),
            ("to be or not to be, that is the question", "too_common"),
            ("correct horse battery staple", "too_common"),
            ("May the force be with you!", "too_common"),
            ("iloveyouiloveyou", "too_common"),
            ("otter otter otter otter", "too_common"),
            ("aaaaaaaaaaaaaaaaaaaa", "too_common"),
            ("oak lane counseling 26", "too_personal"),
            ("Thistlewood 14031991", "too_personal"),
            ("03141991 Thistlewood!", "too_personal"),
            ("2125550121 thistlewood", "too_personal"),
            ("doowelt sihT thistlewood", "too_personal"),
            ("imogen walks seven otters", "contains_email"),
            (NEW, None),
            ("seven quiet otters swim", None),
            ("Wilhelmina walks in april", None),
            ("ich mag sehr gerne käse", None),
            ("正しい馬の電池の主要なもの猫犬鳥", None),
            ("the cat and the fiddle for you", None),
        ],
    )
    def test_what_is_guessed_first_is_refused(self, password: str, code: str | None) -> None:
        known = ["Imogen Thistlewood", "Immy", "1991-03-14", "+1 212 555 0121", "imogen@mail.example"]
        known += ["Oak Lane Counseling", "oak", "(212) 555-0142"]
        assert [found for found, _ in passwords.problems(password, known)] == ([code] if code else [])

    def test_it_is_quick(self) -> None:
        words = ["a" * 128, "qwertyuiop" * 12, "the cat and the fiddle " * 5, "ab" * 64, "é" * 128]
        started = time.process_time()
        for word in words * 20:
            list(passwords.problems(word, ["Imogen Thistlewood", "1991-03-14", "imogen@mail.example"]))
        assert (time.process_time() - started) / 100 < 0.01

    def test_an_operators_list_of_leaks(self, world: World, call: Callable[..., Caller]) -> None:
        from infra.local import cloud

        leaked = [f"leaked phrase number {number}" for number in range(2000)]
        held = breached.packed(leaked)
        cloud.client("s3").put_object(Bucket=f"{cloud.PREFIX}-keys", Key=breached.KEY, Body=held)
        breached._listed.cache_clear()
        try:
            client = call("C1")
            for password in (leaked[0], leaked[1999], leaked[777].upper().replace(" ", "")):
                answer = client.post("/account/password", {"password": password})
                assert [fault["code"] for fault in answer.json["errors"]] == ["too_common"]
            assert client.post("/account/password", {"password": "leaked phrase numbers seven"}).status == 204
        finally:
            cloud.client("s3").delete_object(Bucket=f"{cloud.PREFIX}-keys", Key=breached.KEY)
            breached._listed.cache_clear()

    def test_what_is_no_list_stops_nobody(self, world: World, call: Callable[..., Caller]) -> None:
        from infra.local import cloud

        cloud.client("s3").put_object(Bucket=f"{cloud.PREFIX}-keys", Key=breached.KEY, Body=b"password\n123456\n")
        breached._listed.cache_clear()
        try:
            assert call("C1").post("/account/password", {"password": NEW}).status == 204
        finally:
            cloud.client("s3").delete_object(Bucket=f"{cloud.PREFIX}-keys", Key=breached.KEY)
            breached._listed.cache_clear()

    def test_the_list_is_made_of_what_is_long_enough(self, tmp_path: Any, capfdbinary: Any) -> None:
        from infra import breached as tool

        path = tmp_path / "list.txt"
        path.write_bytes(b"short\nexactly fifteen\r\nsixteen letters!\nsixteen letters!\n\xff\xfe is no text at all\n")
        assert tool.main([str(path)]) == 0
        held = capfdbinary.readouterr().out
        assert len(held) == len(breached.MAGIC) + 3 * breached.WIDTH
        assert held == breached.packed(["exactly fifteen", "sixteen letters!", "\ufffd\ufffd is no text at all"])


# ---- sessions and devices ----


class TestSessions:
    def test_they_are_listed_in_words_and_ended_one_by_one(self, call: Callable[..., Caller]) -> None:
        here, there = call(), call()
        iphone = (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/19.1 Mobile/15E148 Safari/604.1"
        )
        body = {"slug": "oak", "kind": "client", "email": PEOPLE["C1"].email, "password": PEOPLE["C1"].password}
        there.remember(there.post("/sessions", body, headers={"User-Agent": iphone}))
        _sign_in(here, "C1")
        listed = here.get("/sessions").json["items"]
        assert [each["here"] for each in listed] == [True, False, False]  # the third: the program of the world
        (phone,) = [each for each in listed if each["system"] == "iPhone"]
        assert (phone["browser"], phone["program"]) == ("Safari", False)
        assert here.delete(f"/sessions/{phone['session_id']}").status == 204
        assert (here.get("/session").status, there.get("/session").status) == (200, 401)
        assert here.delete(f"/sessions/{phone['session_id']}").status == 404
        assert "token" not in str(listed)

    def test_nobody_elses_can_be_ended(self, call: Callable[..., Caller]) -> None:
        other = call("C2").get("/sessions").json["items"][0]["session_id"]
        for key in ("C1", "T1", "A1", "B1"):
            assert call(key).delete(f"/sessions/{other}").status == 404
        assert call("C2").get("/session").status == 200

    def test_everywhere_is_everywhere_at_once(self, call: Callable[..., Caller]) -> None:
        callers = [call("T1"), call.browser("T1")]  # type: ignore[attr-defined]
        answer = callers[1].delete("/sessions")
        assert answer.status == 204
        assert "Max-Age=0" in answer.headers["Set-Cookie"]
        assert [each.get("/session").status for each in callers] == [401, 401]

    def test_a_sign_in_under_way_does_not_outlive_the_end_of_all(self, call: Callable[..., Caller]) -> None:
        """The old password was right when it was read, and the reset came in between: that session opens nothing."""
        anyone = call()
        for _ in range(6):
            token = flows.reset_link(anyone, "C2")
            signing = call()

            def work(number: int, signing: Caller = signing, token: str = token) -> Answer:
                return _sign_in(signing, "C2") if number else _reset(anyone, token, PEOPLE["C2"].password + " x")

            reset, signed_in = flows.together(2, work)
            assert reset.status == 200
            if signed_in.status == 201:
                assert signing.get("/session").status in (200, 401)
                listed = [each for each in flows.stored("client") if each["client_id"] == PEOPLE["C2"].id]
                (mine,) = [s for s in flows.stored("client_session") if s["session_id"] == _session_id(signing)] or [
                    None
                ]
                assert mine is None or int(mine.get("era") or 0) <= int(listed[0]["era"])
            token = flows.reset_link(anyone, "C2")
            person = PEOPLE["C2"]
            # back to the password of the world: by the service, as the rules would refuse nothing of it
            assert _reset(anyone, token, person.password).status == 200

    @pytest.mark.parametrize(
        ("agent", "browser", "system"),
        [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Windows"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0",
                "Edge",
                "Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                "Version/19.0 Safari/605.1.15",
                "Safari",
                "Mac",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/150.0.0.0 Mobile Safari/537.36",
                "Chrome",
                "Android",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                "CriOS/150.0 Mobile/15E148 Safari/604.1",
                "Chrome",
                "iPad",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/150.0.0.0 Safari/537.36",
                "Chrome",
                "Chromebook",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/150.0 Safari/537.36 OPR/135.0",
                "Opera",
                "Linux",
            ),
            ("curl/8.9.1", None, None),
            ("<script>alert(1)</script>", None, None),
            (None, None, None),
        ],
    )
    def test_devices_in_words(self, agent: str | None, browser: str | None, system: str | None) -> None:
        assert devices.described(agent) == (browser, system)


class TestDevices:
    def test_a_new_device_is_told_by_mail_once(self, call: Callable[..., Caller]) -> None:
        browser = call()
        assert _sign_in(browser, "C1").status == 201
        subjects = _subjects(call(), PEOPLE["C1"].email)
        assert subjects == ["A new sign-in to your account"]
        mail = call().outbox(PEOPLE["C1"].email)[0]
        assert "an unknown browser" in mail["text"]
        assert "America/New York" in mail["text"]
        browser.cookie = None  # signed out; the device is remembered
        assert _sign_in(browser, "C1").status == 201
        assert len(_subjects(call(), PEOPLE["C1"].email)) == 1
        assert _sign_in(call(), "C1").status == 201  # another one
        assert len(_subjects(call(), PEOPLE["C1"].email)) == 2

    def test_the_very_first_sign_in_is_none(self, call: Callable[..., Caller]) -> None:
        newcomer = flows.joined(call, "T4", "C4", flows.NOTICE)
        assert len(_subjects(newcomer, PEOPLE["C4"].email)) == 1  # the invitation
        newcomer.cookie = None
        assert _sign_in(newcomer, "C4", password=flows.PASSWORD).status == 201
        assert len(_subjects(newcomer, PEOPLE["C4"].email)) == 1
        assert _sign_in(call(), "C4", password=flows.PASSWORD).status == 201
        assert _subjects(newcomer, PEOPLE["C4"].email)[1:] == ["A new sign-in to your account"]

    def test_a_program_is_known_by_where_it_calls_from(self, call: Callable[..., Caller]) -> None:
        """Or a stolen password would be tried out unseen by asking for a token instead of a cookie."""
        program = call()
        program.source = "127.0.0.7"
        for _ in range(2):
            assert _sign_in(program, "C1", bearer=True).status == 201
        assert _subjects(call(), PEOPLE["C1"].email) == ["A new sign-in to your account"]

    def test_a_cookie_of_one_account_says_nothing_to_another(self, call: Callable[..., Caller]) -> None:
        browser = call()
        assert _sign_in(browser, "C1").status == 201
        browser.cookie = None
        assert _sign_in(browser, "C2").status == 201
        assert _subjects(call(), PEOPLE["C2"].email) == ["A new sign-in to your account"]

    def test_it_is_stored_as_a_digest_and_forgotten_after_180_days(
        self, world: World, call: Callable[..., Caller]
    ) -> None:
        browser = call()
        _sign_in(browser, "C1")
        assert browser.device is not None
        assert not [item for item in flows.stored() if browser.device in str(item)]
        browser.cookie = None
        world.portal.clock.advance(181 * 24 * HOUR)
        _sign_in(browser, "C1")
        assert len(_subjects(call(), PEOPLE["C1"].email)) == 2


class TestTheSameDay:
    """A device on which password and code were given asks staff for the password alone, that day."""

    @pytest.fixture
    def desk(self, world: World, call: Callable[..., Caller]) -> Caller:
        world.portal.clock.advance(300)
        desk = call()
        assert _sign_in(desk, "T1", code=desk.code_of("T1")).status == 201
        desk.cookie = None
        return desk

    def test_the_password_is_enough_and_the_record_says_so(self, desk: Caller) -> None:
        assert _sign_in(desk, "T1").status == 201
        methods = {each["session_id"]: each["method"] for each in flows.stored("staff_session")}
        assert methods[_session_id(desk)] == "password, on a device where a one-time code was given that day"

    def test_the_password_is_needed(self, desk: Caller) -> None:
        assert _sign_in(desk, "T1", password="not the password at all").code == "invalid_credentials"

    def test_twelve_hours_and_not_from_the_last_sign_in(self, world: World, desk: Caller) -> None:
        world.portal.clock.advance(11 * HOUR)
        assert _sign_in(desk, "T1").status == 201
        desk.cookie = None
        world.portal.clock.advance(2 * HOUR)
        assert _sign_in(desk, "T1").code == "second_factor_required"

    def test_nobody_else_and_nowhere_else(self, desk: Caller, call: Callable[..., Caller]) -> None:
        assert _sign_in(call(), "T1").code == "second_factor_required"
        assert _sign_in(desk, "T2").code == "second_factor_required"
        forged = call()
        forged.device = "A" * 43
        assert _sign_in(forged, "T1").code == "second_factor_required"

    def test_a_program_never(self, desk: Caller, world: World, call: Callable[..., Caller]) -> None:
        assert _sign_in(desk, "T1", bearer=True).code == "second_factor_required"
        world.portal.clock.advance(60)
        program = call()
        assert _sign_in(program, "T1", bearer=True, code=program.code_of("T1")).status == 201
        assert _sign_in(call(), "T1", bearer=True).code == "second_factor_required"

    def test_not_across_a_new_password(self, desk: Caller) -> None:
        _sign_in(desk, "T1")
        assert desk.post("/account/password", {"password": NEW}).status == 204
        desk.cookie = None
        assert _sign_in(desk, "T1", password=NEW).code == "second_factor_required"

    def test_not_across_a_reset(self, desk: Caller, call: Callable[..., Caller]) -> None:
        assert _reset(call(), flows.reset_link(call(), "T1")).status == 200
        assert _sign_in(desk, "T1", password=NEW).code == "second_factor_required"

    def test_not_across_a_new_authenticator(self, desk: Caller) -> None:
        _sign_in(desk, "T1")
        _enrol(desk)
        desk.cookie = None
        assert _sign_in(desk, "T1").code == "second_factor_required"

    def test_not_across_signing_out_everywhere(self, desk: Caller) -> None:
        _sign_in(desk, "T1")
        assert desk.delete("/sessions").status == 204
        desk.cookie = None
        assert _sign_in(desk, "T1").code == "second_factor_required"

    def test_not_when_disabled_nor_after(self, world: World, desk: Caller) -> None:
        place = {"tenant_id": world.tenant_id("oak"), "staff_id": world.id("T1")}
        change(Staff.at(**place), Staff.status.set("disabled"), Staff.era.add(1))
        assert _sign_in(desk, "T1").code == "invalid_credentials"
        change(Staff.at(**place), Staff.status.set("active"))
        assert _sign_in(desk, "T1").code == "second_factor_required"

    def test_a_recovery_code_does_not_begin_it(self, world: World, desk: Caller, call: Callable[..., Caller]) -> None:
        _sign_in(desk, "T1")
        _, codes = _enrol(desk)
        other = call()
        assert _sign_in(other, "T1", recovery_code=codes[0]).status == 201
        other.cookie = None
        assert _sign_in(other, "T1").code == "second_factor_required"

    def test_what_changes_the_account_needs_the_code_all_the_same(self, world: World, desk: Caller) -> None:
        assert _sign_in(desk, "T1").status == 201
        world.portal.clock.advance(14 * 60)
        desk.post("/session/activity")
        world.portal.clock.advance(2 * 60)
        assert desk.post("/account/password", {"password": NEW}).code == "proof_required"
        proof = {"password": PEOPLE["T1"].password}
        assert desk.post("/session/proof", proof).code == "second_factor_required"
        assert desk.post("/session/proof", {**proof, "code": desk.code_of("T1")}).status == 200


# ---- second factor ----


class TestSecondFactor:
    def test_a_client_switches_it_on_and_off(self, world: World, call: Callable[..., Caller]) -> None:
        client, other = call.browser("C1"), call("C1")  # type: ignore[attr-defined]
        assert client.get("/account").json["second_factor"] is False
        enrolment = client.post("/account/totp").json
        assert enrolment["uri"].startswith("otpauth://totp/Oak%20Lane%20Counseling:imogen@mail.example?secret=")
        assert _sign_in(call(), "C1").status == 201  # nothing is in force yet
        secret, codes = _enrol(client)
        assert (len(codes), len(set(codes))) == (10, 10)
        assert (client.get("/session").status, other.get("/session").status) == (200, 401)
        view = client.get("/account").json
        assert (view["second_factor"], view["second_factor_required"], view["recovery_codes_left"]) == (True, False, 10)
        assert _sign_in(call(), "C1").code == "second_factor_required"
        world.portal.clock.advance(30)
        assert _sign_in(call(), "C1", code=levers.totp(secret, world.portal.clock.now())).status == 201
        assert client.delete("/account/totp").status == 204
        assert _sign_in(call(), "C1").status == 201
        assert client.get("/account").json["recovery_codes_left"] == 0
        assert _subjects(call(), PEOPLE["C1"].email).count("The sign-in codes of your account were changed") == 2

    def test_a_code_never_stands_in_for_a_clients_password(self, world: World, call: Callable[..., Caller]) -> None:
        """CVE-2025-66489: a value for the code skipped the password."""
        secret, codes = _enrol(call("C1"))
        world.portal.clock.advance(30)
        for factor in ({"code": levers.totp(secret, world.portal.clock.now())}, {"recovery_code": codes[0]}):
            answer = _sign_in(call(), "C1", password="not the password at all", **factor)
            assert (answer.status, answer.code) == (401, "invalid_credentials")
            assert _sign_in(call(), "C1", **factor).status == 201  # and it was not used up

    def test_staff_cannot_be_without(self, call: Callable[..., Caller]) -> None:
        assert call("T1").delete("/account/totp").code == "second_factor_mandatory"
        assert call("A1").delete("/account/totp").code == "second_factor_mandatory"
        assert call("T1").get("/account").json["second_factor_required"] is True

    def test_a_new_authenticator_replaces_the_old_one_only_once_it_has_shown_a_code(
        self, world: World, call: Callable[..., Caller]
    ) -> None:
        world.portal.clock.advance(300)
        staff = call("T1")
        assert (
            staff.post("/session/proof", {"password": PEOPLE["T1"].password, "code": staff.code_of("T1")}).status == 200
        )
        secret = staff.post("/account/totp").json["secret"]
        assert staff.post("/account/totp/confirmation", {"code": "000000"}).json["errors"][0]["code"] == "wrong_code"
        world.portal.clock.advance(30)
        assert _sign_in(call(), "T1", code=staff.code_of("T1")).status == 201  # the old one still counts
        code = levers.totp(secret, world.portal.clock.now())
        assert staff.post("/account/totp/confirmation", {"code": code}).status == 201
        assert _sign_in(call(), "T1", code=code).status == 401  # the code that confirmed it is used up
        world.portal.clock.advance(30)
        assert _sign_in(call(), "T1", code=staff.code_of("T1")).status == 401
        assert _sign_in(call(), "T1", code=levers.totp(secret, world.portal.clock.now())).status == 201

    def test_a_secret_waits_a_quarter_of_an_hour(self, world: World, call: Callable[..., Caller]) -> None:
        client = call("C1")
        assert client.post("/account/totp/confirmation", {"code": "000000"}).code == "enrolment_over"
        secret = client.post("/account/totp").json["secret"]
        world.portal.clock.advance(14 * 60)
        assert client.post("/session/proof", {"password": PEOPLE["C1"].password}).status == 200
        world.portal.clock.advance(2 * 60)
        code = levers.totp(secret, world.portal.clock.now())
        assert client.post("/account/totp/confirmation", {"code": code}).code == "enrolment_over"

    def test_recovery_codes_open_once_each_however_they_are_typed(
        self, world: World, call: Callable[..., Caller]
    ) -> None:
        _, codes = _enrol(call("C1"))
        for typed in (codes[0], codes[1].lower().replace("-", " "), codes[2].replace("-", "").replace("1", "l")):
            assert _sign_in(call(), "C1", recovery_code=typed).status == 201, typed
            assert _sign_in(call(), "C1", recovery_code=typed).status == 401
        caller = call()
        _sign_in(caller, "C1", recovery_code=codes[3])
        assert caller.get("/account").json["recovery_codes_left"] == 6
        assert _subjects(caller, PEOPLE["C1"].email).count("A recovery code was used") == 4
        assert "password and recovery code" in {each["method"] for each in flows.stored("client_session")}

    def test_one_recovery_code_at_the_same_moment_opens_one_session(self, call: Callable[..., Caller]) -> None:
        _, codes = _enrol(call("C1"))
        callers = [call() for _ in range(8)]
        answers = flows.together(8, lambda n: _sign_in(callers[n], "C1", recovery_code=codes[0]).status)
        assert answers.count(201) == 1

    def test_new_codes_stop_the_old_ones(self, call: Callable[..., Caller]) -> None:
        client = call("C1")
        assert client.post("/account/recovery-codes").code == "no_second_factor"
        _, codes = _enrol(client)
        fresh = client.post("/account/recovery-codes").json["codes"]
        assert _sign_in(call(), "C1", recovery_code=codes[0]).status == 401
        assert _sign_in(call(), "C1", recovery_code=fresh[0]).status == 201

    def test_guessing_codes_is_slowed(self, limits: Limits, call: Callable[..., Caller]) -> None:
        _enrol(call("C1"))
        limits(second_factor=(5, 600))
        guesses = [_sign_in(call(), "C1", recovery_code=f"AAAA-AAAA-AAA{n}").status for n in range(4)]
        guesses += [_sign_in(call(), "C1", code=f"00000{n}").status for n in range(3)]
        assert (guesses[:5], guesses[-1]) == ([401] * 5, 429)

    def test_nothing_of_it_is_stored_as_it_is(self, call: Callable[..., Caller]) -> None:
        secret, codes = _enrol(call("C1"))
        stored = str(flows.stored("account"))
        assert secret not in stored
        assert not [code for code in codes if code in stored or code.replace("-", "") in stored]
        logged = str(state.backend("sqs").queues)
        assert secret not in logged

    def test_names_that_are_long_or_strange_still_make_a_code_that_can_be_drawn(self) -> None:
        secret = accounts.new_totp_secret()
        uri = accounts.totp_uri(secret, f"{'x' * 64}@{'y' * 180}.example", "Prâctice: 心理 " * 20)
        assert len(uri) < 500
        assert uri.count(":") == 2  # the scheme's, and the one between the names
        assert secret in uri


# ---- another address ----


def _asked(call: Callable[..., Caller], key: str = "C1", email: str = ELSEWHERE) -> str:
    """Ask for another address, and take the token from the mail to it."""
    caller = call(key)
    answer = caller.post("/account/email", {"email": email})
    assert answer.status == 202, answer
    caller.drain()
    return flows.token_in(caller.outbox(email)[-1], "email")


def _confirm(caller: Caller, token: str) -> Answer:
    return caller.post("/email-changes/redemption", {"token": token})


class TestAnotherAddress:
    @pytest.fixture(autouse=True)
    def _known(self, canaries: Canaries) -> None:
        canaries.add(ELSEWHERE)

    @pytest.mark.parametrize("key", ["C1", "T1"])
    def test_it_is_confirmed_then_the_account_moves_and_the_old_one_is_told(
        self, key: str, world: World, call: Callable[..., Caller]
    ) -> None:
        inside, anyone = call(key), call()
        if key == "C1":
            secret, codes = _enrol(inside)
        else:
            person = PEOPLE["T1"]
            assert isinstance(person, demo.StaffMember)
            secret, codes = person.totp_secret, inside.post("/account/recovery-codes").json["codes"]
        token = _asked(call, key)
        assert _sign_in(call(), key).code == "second_factor_required"  # still the old address
        assert anyone.post("/email-changes/lookup", {"token": token}).json["state"] == "open"
        assert _confirm(anyone, token).status == 200
        assert inside.get("/session").status == 401
        assert _sign_in(call(), key).code == "invalid_credentials"
        world.portal.clock.advance(60)
        code = levers.totp(secret, world.portal.clock.now())
        moved = call()
        assert _sign_in(moved, key, email=ELSEWHERE, code=code).status == 201  # the authenticator came along
        assert moved.get("/account").json["email"] == ELSEWHERE
        assert _sign_in(call(), key, email=ELSEWHERE, recovery_code=codes[0]).status == 201  # and the codes
        told = _subjects(anyone, PEOPLE[key].email)
        assert "Your e-mail address was changed" in told
        mail = next(m for m in anyone.outbox(PEOPLE[key].email) if m["subject"] == "Your e-mail address was changed")
        assert ELSEWHERE not in mail["text"] + mail["html"]
        assert "(212) 555-0142" in mail["text"]

    def test_the_old_address_is_free_then(self, call: Callable[..., Caller]) -> None:
        assert _confirm(call(), _asked(call)).status == 200
        assert _confirm(call(), _asked(call, "C2", PEOPLE["C1"].email)).status == 200
        assert _sign_in(call(), "C2", email=PEOPLE["C1"].email).status == 201

    def test_a_device_is_still_known(self, call: Callable[..., Caller]) -> None:
        browser = call.browser("C1")  # type: ignore[attr-defined]
        assert _confirm(call(), _asked(call)).status == 200
        browser.cookie = None
        assert _sign_in(browser, "C1", email=ELSEWHERE).status == 201
        assert "A new sign-in to your account" not in _subjects(call(), ELSEWHERE)

    def test_taken_is_said_only_to_who_reads_the_mailbox(self, call: Callable[..., Caller]) -> None:
        """Polar: "taken" only after proof. The question has one answer, and so has the page."""
        client = call("C1")
        taken = client.post("/account/email", {"email": PEOPLE["C2"].email})
        client.drain()
        token = flows.token_in(client.outbox(PEOPLE["C2"].email)[-1], "email")
        assert _plain(client.post("/account/email", {"email": ELSEWHERE})) == _plain(taken)
        assert _confirm(call(), token).status == 404  # a newer link of the same account took its place
        token = _asked(call, "C1", PEOPLE["C2"].email)
        answer = _confirm(call(), token)
        assert (answer.status, answer.code) == (409, "address_taken")
        assert _sign_in(call(), "C1").status == 201
        assert _sign_in(call(), "C2").status == 201  # CVE-2023-2834: who names an address does not become its holder

    @pytest.mark.parametrize("what", ["codes", "password", "everywhere"])
    def test_what_stops_a_link_is_told_on_the_page_that_said_it_is_on_its_way(
        self, what: str, call: Callable[..., Caller]
    ) -> None:
        """Whoever asked may not be the holder, so a change of how one signs in stops the link; the account went on to
        say that it was on its way, and its page looked open until the button was pressed."""
        client, anyone = call("C1"), call()
        assert client.get("/account").json["new_email"] is None
        token = _asked(call)
        assert client.get("/account").json["new_email"] == ELSEWHERE
        if what == "codes":
            _enrol(client)
        elif what == "password":
            assert client.post("/account/password", {"password": NEW}).status == 204
        else:
            assert client.delete("/sessions").status == 204
            assert _sign_in(client, "C1").status == 201
        assert client.get("/account").json["new_email"] is None
        assert anyone.post("/email-changes/lookup", {"token": token}).json["state"] == "expired"
        assert _confirm(anyone, token).code == "link_expired"

    def test_staff_and_clients_are_apart(self, call: Callable[..., Caller]) -> None:
        assert _confirm(call(), _asked(call, "C1", PEOPLE["T1"].email)).status == 200
        assert _sign_in(call(), "C1", email=PEOPLE["T1"].email).status == 201
        assert _sign_in(call(), "T1").code == "second_factor_required"

    def test_an_open_invitation_holds_its_address(self, call: Callable[..., Caller]) -> None:
        assert flows.invite(call("T4"), PEOPLE["C4"].id, flows.NOTICE).status == 201
        assert _confirm(call(), _asked(call, "C1", PEOPLE["C4"].email)).code == "address_taken"

    def test_a_change_and_an_invitation_of_one_address_have_one_winner(
        self, world: World, call: Callable[..., Caller]
    ) -> None:
        from chalicelib.models.clients import Client

        place = {"tenant_id": world.tenant_id("oak"), "client_id": PEOPLE["C4"].id}
        taken, at = None, world.portal.clock.now()
        change(Client.at(**place), Client.email.set(ELSEWHERE))
        token = _asked(call)
        taken = state.snapshot(state.CHANGING)
        owners = []
        for _ in range(8):
            state.restore(taken)
            world.portal.clock.set(at + timedelta(seconds=5))
            therapist, anyone = call("T4"), call()

            def work(number: int, therapist: Caller = therapist, anyone: Caller = anyone) -> Answer:
                return flows.invite(therapist, PEOPLE["C4"].id, flows.NOTICE) if number else _confirm(anyone, token)

            answers = flows.together(2, work)
            assert sorted(a.status for a in answers) in ([200, 409], [201, 409])
            digest = accounts.email_digest(world.tenant_id("oak"), ELSEWHERE)
            found = [each for each in flows.stored("account") if each["email_digest"] == digest]
            owners.append(
                [
                    each["principals"][0]["id"] if not isinstance(each["principals"], str) else each["principals"]
                    for each in found
                ]
            )
        assert {len(each) for each in owners} == {1}

    def test_of_16_uses_of_one_link_one_wins(self, call: Callable[..., Caller]) -> None:
        token = _asked(call)
        callers = [call() for _ in range(16)]
        answers = flows.together(16, lambda n: _confirm(callers[n], token))
        assert [answer.status for answer in answers].count(200) == 1
        assert {answer.code for answer in answers if answer.status != 200} <= {"link_used", "busy"}
        assert len([a for a in flows.stored("account") if PEOPLE["C1"].id in str(a["principals"])]) == 1

    @pytest.mark.parametrize("how", ["password", "reset", "everywhere"])
    def test_whoever_takes_the_account_back_stops_a_change_under_way(
        self, how: str, call: Callable[..., Caller]
    ) -> None:
        """An intruder names their own mailbox; the holder changes the password: that link is worth nothing."""
        token = _asked(call)
        if how == "password":
            assert call("C1").post("/account/password", {"password": NEW}).status == 204
        elif how == "reset":
            assert _reset(call(), flows.reset_link(call(), "C1")).status == 200
        else:
            assert call("C1").delete("/sessions").status == 204
        assert _confirm(call(), token).code == "link_expired"

    def test_a_reset_link_of_the_old_address_is_worth_nothing_after_the_move(self, call: Callable[..., Caller]) -> None:
        reset, token = flows.reset_link(call(), "C1"), _asked(call)
        assert _confirm(call(), token).status == 200
        assert _reset(call(), reset).code == "link_expired"

    def test_it_works_for_a_day(self, world: World, call: Callable[..., Caller]) -> None:
        token = _asked(call)
        world.portal.clock.advance(24 * HOUR + 60)
        assert call().post("/email-changes/lookup", {"token": token}).json["state"] == "expired"
        assert _confirm(call(), token).code == "link_expired"

    @pytest.mark.parametrize(
        ("email", "code"), [("not an address", "email_shape"), ("ımogen@mail.example", "email_shape"),
                            ("IMOGEN@mail.example", "same_email")],
    )  # fmt: skip
    def test_what_is_no_other_address_is_refused(self, email: str, code: str, call: Callable[..., Caller]) -> None:
        answer = call("C1").post("/account/email", {"email": email})
        assert [fault["code"] for fault in answer.json["errors"]] == [code]

    def test_asking_is_limited(self, limits: Limits, call: Callable[..., Caller]) -> None:
        limits(email_change_account=(3, HOUR))
        client = call("C1")
        answers = [client.post("/account/email", {"email": f"a{n}@elsewhere.example"}).status for n in range(4)]
        assert answers == [202, 202, 202, 429]

    def test_staff_change_the_address_on_a_clients_file_the_same_way(
        self, world: World, call: Callable[..., Caller]
    ) -> None:
        """DOMAIN.md 3.9, as the page of the file will use it."""
        from chalicelib import clock
        from chalicelib.context import Actor, Context, Persona
        from chalicelib.errors import NoAddressToChange
        from chalicelib.services import addresses, clients, tenants

        tenant = tenants.get(world.tenant_id("oak"))
        actor = Actor("staff", PEOPLE["T1"].id)
        context = Context(world.tenant_id("oak"), actor, clock.now(), Persona.PRACTICE, tenant=tenant)
        addresses.start_email_change(context, clients.find(context.tenant_id, PEOPLE["C1"].id), ELSEWHERE)
        anyone = call()
        anyone.drain()
        assert _confirm(anyone, flows.token_in(anyone.outbox(ELSEWHERE)[-1], "email")).status == 200
        assert _sign_in(call(), "C1", email=ELSEWHERE).status == 201
        file = call("T1").get(f"/practice/clients/{PEOPLE['C1'].id}").json
        assert file["email"] == ELSEWHERE
        with pytest.raises(NoAddressToChange):
            addresses.start_email_change(
                context, clients.find(context.tenant_id, PEOPLE["C4"].id), "x@elsewhere.example"
            )

    def test_the_link_that_was_mailed_first_and_an_account_that_was_there(self, call: Callable[..., Caller]) -> None:
        """Cal.com's chain of January 2026: an invitation for an address that had an account set its password anew."""
        assert flows.invite(call("T4"), PEOPLE["C4"].id, flows.NOTICE).status == 201
        anyone = call()
        token = flows.mailed_token(anyone, PEOPLE["C4"].email)
        assert flows.redeem(anyone, token).status == 201
        assert flows.redeem(anyone, token, password="another one that is long").code == "invitation_used"
        assert _sign_in(call(), "C4", password=flows.PASSWORD).status == 201


# ---- what has really gone wrong elsewhere ----


def test_a_session_of_a_client_opens_nothing_of_staff(call: Callable[..., Caller]) -> None:
    """CVE-2021-32101, medplum#5287: a portal account reached the practice's verbs, lists included."""
    client = call("C1")
    for path in ("/practice/clients", f"/practice/clients/{PEOPLE['C1'].id}", "/practice/notifications"):
        assert client.get(path).status == 403


def test_the_account_page_says_nothing_of_others(call: Callable[..., Caller]) -> None:
    """CVE-2026-33934, Documenso #844: reading was left open beside writing, and lists held others' tokens."""
    seen = str(call("C1").get("/account").json) + str(call("C1").get("/sessions").json)
    assert not [word for word in demo.personal_strings() if word in seen and word != PEOPLE["C1"].email]
    assert call().get("/account").status == call().get("/sessions").status == 401


def test_having_been_on_a_mailed_page_opens_nothing(call: Callable[..., Caller]) -> None:
    """CVE-2018-15152, CVE-2021-32101: whoever had opened the page of an invitation or a sign-up was as good as in."""
    admin, visitor = call("A1"), call()
    assert flows.invite(admin, PEOPLE["C4"].id, flows.NOTICE).status == 201
    colleague = {"name": "Wanda Early", "email": "wanda@staff.example", "roles": ["administrator"]}
    assert admin.post("/practice/staff", colleague).status == 201
    assert flows.sign_up(visitor).status == 202
    invited, signing_up = flows.mailed_token(visitor, PEOPLE["C4"].email), flows.sign_up_token(visitor)
    joining = flows.staff_token(visitor, colleague["email"])
    pages = [
        visitor.post("/invitations/lookup", {"token": invited}),
        visitor.post("/staff-invitations/lookup", {"token": joining}),
        visitor.post("/staff-invitations/second-factor", {"token": joining, "password": NEW}),
        visitor.post("/sign-ups/lookup", {"token": signing_up}),
        flows.confirm_sign_up(visitor, signing_up),
    ]
    assert [page.status for page in pages] == [200, 200, 200, 200, 202]
    assert not [header for page in pages for header in page.headers.get_all("Set-Cookie", [])]
    for path in ("/session", "/account", "/portal/home", "/portal/profile", "/practice/clients", "/practice/staff"):
        assert visitor.get(path).status == 401
        for token in (invited, joining, signing_up):
            bearer = visitor.get(path, headers={"Authorization": f"Bearer {token}"})
            as_cookie = visitor.get(path, headers={"Cookie": f"__Host-sid={token}"})
            assert (bearer.status, as_cookie.status) == (401, 401)


def test_no_invitation_touches_a_password_that_is_there(call: Callable[..., Caller]) -> None:
    """Cal.com, January 2026: an invitation to an address that had an account wrote over its password."""
    admin, thief = call("A1"), call()
    joined = flows.joined(call, "A1", "C4")  # whose link somebody else reads, too
    invited = flows.link_in(admin.outbox(PEOPLE["C4"].email)[-1])
    colleague = {"name": "Wanda Early", "email": "wanda@staff.example", "roles": ["therapist"]}
    assert admin.post("/practice/staff", colleague).status == 201
    joining = flows.staff_token(admin, colleague["email"])
    assert flows.join_staff(call(), joining).status == 201
    before = {each["email_digest"]: each["password_hash"] for each in flows.stored("account")}
    again = {"token": joining, "password": NEW}
    refused = [
        flows.redeem(thief, invited, password=NEW),
        thief.post("/staff-invitations/second-factor", again),
        thief.post("/staff-invitations/redemption", again | {"code": "123456"}),
        admin.post("/practice/staff", colleague | {"email": PEOPLE["T1"].email}),
        flows.invite(admin, flows.new_file("oak", "TWIN", "Another Person", email=PEOPLE["C1"].email)),
    ]
    assert [answer.code for answer in refused] == [
        "invitation_used", "link_used", "link_used", "email_in_use", "email_in_use",
    ]  # fmt: skip
    # A sign-up with an address that has an account is told so in its mailbox; its password is nobody's.
    assert flows.sign_up(thief, email=PEOPLE["C1"].email).status == 202
    thief.drain()
    assert {each["email_digest"]: each["password_hash"] for each in flows.stored("account")} == before
    assert joined.get("/session").status == 200
    assert _sign_in(call(), "C1").status == 201


def test_no_mailed_token_can_be_computed_or_is_stored(call: Callable[..., Caller]) -> None:
    """CVE-2026-9188, for every kind of link: an invitation that is sent again, a colleague's, a sign-up's."""
    admin = call("A1")
    sent = flows.invite(admin, PEOPLE["C4"].id)
    tokens = [flows.mailed_token(admin, PEOPLE["C4"].email)]
    assert flows.act_on(admin, PEOPLE["C4"].id, sent.json["invite_id"], "resend").status == 201
    tokens.append(flows.mailed_token(admin, PEOPLE["C4"].email))
    colleague = {"name": "Wanda Early", "email": "wanda@staff.example", "roles": ["therapist"]}
    staff_id = admin.post("/practice/staff", colleague).json["staff_id"]
    tokens.append(flows.staff_token(admin, colleague["email"]))
    assert admin.post(f"/practice/staff/{staff_id}/resend").status == 201
    tokens.append(flows.staff_token(admin, colleague["email"]))
    assert flows.sign_up(admin).status == 202
    tokens.append(flows.sign_up_token(admin))
    secrets = [token.rpartition(".")[2] for token in tokens]
    assert len(set(secrets)) == len(tokens)
    assert min(len(secret) for secret in secrets) >= 43
    kept = str(flows.stored())
    assert not [secret for secret in secrets if secret in kept]


def test_a_signature_says_who_made_it_by_the_session_alone(call: Callable[..., Caller]) -> None:
    """CVE-2026-24890: a portal user's signature came to stand as the provider's, by a word in the body."""
    client, other = call("C1"), call("C3")
    intake_id = flows.send_packet("C1", flows.NOTICE)
    flows.fill(client, intake_id, flows.NOTICE)
    for name, value in {"type": "admin-signature", "signer": PEOPLE["T1"].id, "client_id": PEOPLE["C3"].id,
                        "account_ref": "x", "signed_at": "2020-01-01T00:00:00Z"}.items():  # fmt: skip
        assert flows.sign(client, intake_id, flows.NOTICE, **{name: value}).status == 422, name
    assert flows.sign(other, intake_id, flows.NOTICE).status == 404
    assert flows.sign(call("T1"), intake_id, flows.NOTICE).status == 403
    assert flows.sign(client, intake_id, flows.NOTICE).status == 201


def test_no_address_leads_out_of_the_portal(call: Callable[..., Caller]) -> None:
    """LibreHealth #1210: a download whose name came from the address read any file of the server."""
    client, staff = call("C1"), call("A1")
    for part in ("..%2f..%2fsecrets", "%2e%2e", "..", "....//", "%00", "a%0d%0aSet-Cookie:x", "C:%5c"):
        for answer in (
            client.get(f"/portal/documents/{part}"),
            client.post(f"/portal/documents/{part}/download"),
            staff.post(f"/practice/clients/{PEOPLE['C1'].id}/documents/{part}/download"),
            staff.get(f"/practice/staff/{part}"),
            call().get(f"/tenants/{part}/logo/{part}"),
        ):
            assert answer.status in (403, 404, 405), (part, answer)
            assert answer.headers.get("Set-Cookie") is None


def test_names_are_text_in_every_mail_of_an_account(call: Callable[..., Caller]) -> None:
    """CVE-2026-33303, CVE-2024-58355: a name that was markup ran where another one's credentials were shown."""
    admin, markup = call("A1"), "<img src=x onerror=alert(1)>"
    etag = admin.get("/practice/organization").json["etag"]
    assert admin.patch("/practice/organization", {"name": f"Oak {markup}"}, etag=etag).status == 200
    colleague = {"name": f"Wanda {markup}", "email": "wanda@staff.example", "roles": ["therapist"]}
    assert admin.post("/practice/staff", colleague).status == 201
    assert flows.invite(admin, PEOPLE["C4"].id).status == 201
    for key in ("C1", "T1"):
        assert flows.ask_reset(admin, key).status == 202
    assert admin.post("/account/password", {"password": NEW}).status == 204
    admin.drain()
    mails = [mail for mail in flows.outbox() if mail["html"]]
    assert len(mails) >= 5
    assert any("&lt;img" in mail["html"] for mail in mails)
    assert not [mail["subject"] for mail in mails if "<img src=x" in mail["html"]]


def test_nothing_changes_by_following_an_address(call: Callable[..., Caller]) -> None:
    """CVE-2026-23622: a GET that writes escapes the protection against forged requests."""
    browser = call.browser("C1")  # type: ignore[attr-defined]
    for path in ("/account/password", "/account/email", "/account/totp", "/account/recovery-codes"):
        assert browser.get(path).status in (403, 404, 405)
    forged = {"Cookie": f"__Host-sid={browser.cookie}", "Origin": "https://evil.example", "X-CSRF-Token": ""}
    for method, path in (("POST", "/account/password"), ("DELETE", "/sessions"), ("DELETE", "/account/totp")):
        answer = browser.api(method, path, {"password": NEW} if method == "POST" else None, headers=forged)
        assert answer.code == "csrf", path


def _session_id(caller: Caller) -> str:
    """The id of the session that this caller is in; the record is looked up by the digest of its token."""
    from chalicelib import ids

    digest = ids.digest(str(caller.cookie or caller.token))
    found = [each for each in flows.stored("staff_session", "client_session") if each["token_digest"] == digest]
    return str(found[0]["session_id"]) if found else ""
