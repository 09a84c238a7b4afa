"""Thirty-two at the same moment, twenty rounds each: exactly one winner, and nothing that was taken is lost."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from infra.local import world as demo
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import NOTICE, QUESTIONNAIRE, together

THREADS, ROUNDS = 32, 20
FEW = 5  # rounds of what is slow because everyone has to try again and again


@pytest.fixture(autouse=True)
def _light_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing is not what races: 32 × 20 real hashes would only take a minute."""
    from argon2 import PasswordHasher

    from chalicelib.services import accounts

    light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: light)


def _outcomes(answers: list[Answer]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status, answer.code) for answer in answers)


def _client(key: str) -> dict[str, Any]:
    (found,) = [each for each in flows.stored("client") if each["client_id"] == PEOPLE[key].id]
    return found


def _redeem(people: list[Caller], token: str, passwords: list[str], n: int) -> Answer:
    return flows.redeem(people[n], token, password=passwords[n])


def test_one_link_makes_one_account(world: World, call: Callable[..., Caller]) -> None:
    staff, admin = call("T4"), call("A1")
    address = PEOPLE["C4"].email
    for round_number in range(ROUNDS):
        assert flows.invite(staff, flows.client_id("C4"), NOTICE).status == 201
        token = flows.mailed_token(admin, address)
        people = [call() for _ in range(THREADS)]
        passwords = [f"quiet otters swim number {n} today" for n in range(THREADS)]
        redeem = partial(_redeem, people, token, passwords)
        answers = together(THREADS, redeem)
        assert _outcomes(answers) == {(201, None): 1, (409, "invitation_used"): THREADS - 1}
        winner = next(n for n, answer in enumerate(answers) if answer.status == 201)
        accounts = [each for each in flows.stored("account") if PEOPLE["C4"].id in each["principals"]]
        assert [each["status"] for each in accounts] == ["active"]
        if round_number == 0:  # the winner's password is the one that counts
            for number in (winner, (winner + 1) % THREADS):
                body = {"slug": "oak", "kind": "client", "email": address, "password": passwords[number]}
                assert call().post("/sessions", body).status == (201 if number == winner else 401)
        world.portal.reset(to_seed_time=True)


def test_one_form_is_signed_once(world: World, call: Callable[..., Caller]) -> None:
    client = call("C1")
    for _ in range(ROUNDS):
        intake_id = flows.send_packet("C1", NOTICE)
        flows.fill(client, intake_id, NOTICE)
        answers = together(THREADS, lambda n, i=intake_id: flows.sign(client, i, NOTICE, name=f"Signer Number {n}"))
        assert _outcomes(answers) == {(201, None): 1, (409, "already_signed"): THREADS - 1}
        documents = [each for each in flows.stored("document") if each["intake_id"] == intake_id]
        winner = next(n for n, answer in enumerate(answers) if answer.status == 201)
        assert [each["signed_by"] for each in documents] == [f"Signer Number {winner}"]
    assert len(flows.stored("signed_form")) == ROUNDS
    assert flows.waiting("sealing") == ROUNDS


def test_one_request_sent_many_times_is_done_once(world: World, call: Callable[..., Caller]) -> None:
    """The same Idempotency-Key: everyone gets the answer of the one that did it."""
    client = call("C1")
    for turn in range(FEW):
        intake_id = flows.send_packet("C1", NOTICE)
        flows.fill(client, intake_id, NOTICE)
        key = f"the-same-request-{turn}"
        answers = together(THREADS, lambda n, i=intake_id, k=key: flows.sign(client, i, NOTICE, key=k))
        assert _outcomes(answers) == {(201, None): THREADS}
        assert len({answer.json["document_id"] for answer in answers}) == 1
    staff = call("T4")
    for turn in range(FEW):
        key = f"the-same-invitation-{turn}"
        answers = together(THREADS, lambda n, k=key: flows.invite(staff, flows.client_id("C4"), NOTICE, key=k))
        assert _outcomes(answers) == {(201, None): THREADS}
        assert len({answer.json["invite_id"] for answer in answers}) == 1
        _revoke_all(call("A1"), ["C4"])
    assert len(flows.stored("invite")) == FEW


def test_one_address_belongs_to_one_client(world: World, call: Callable[..., Caller]) -> None:
    """DOMAIN.md 3.2, in thirty-two files at once; the loser's file stays as it was."""
    from chalicelib.services import clients

    admin = call("A1")
    ids = [demo.fixed_id(f"R{n}") for n in range(THREADS)]
    for each in ids:
        clients.create(world.tenant_id("oak"), client_id=each, legal_name="Shared Mailbox", email="Both@mail.example")
    for _ in range(ROUNDS):
        answers = together(THREADS, lambda n: flows.invite(admin, ids[n], NOTICE))
        assert _outcomes(answers) == {(201, None): 1, (409, "email_in_use"): THREADS - 1}
        winner = next(n for n, answer in enumerate(answers) if answer.status == 201)
        states = {each["client_id"]: each["portal"] for each in flows.stored("client")}
        assert [each for each in ids if states[each] == "invited"] == [ids[winner]]
        path = f"/practice/clients/{ids[winner]}/invites/{answers[winner].json['invite_id']}/revoke"
        assert admin.post(path).status == 200
    assert len(flows.stored("invite")) == len(flows.stored("client_mail")) == ROUNDS


def test_one_client_is_invited_once(world: World, call: Callable[..., Caller]) -> None:
    people = [call("A1"), call("A2"), call("T4")]
    for _ in range(ROUNDS):
        answers = together(THREADS, lambda n: flows.invite(people[n % 3], flows.client_id("C4"), NOTICE))
        assert _outcomes(answers) == {(201, None): 1, (409, "already_invited"): THREADS - 1}
        _revoke_all(people[0], ["C4"])
    assert len(flows.stored("invite")) == len(flows.stored("intake")) == len(flows.stored("client_mail")) == ROUNDS


def _revoke_all(admin: Caller, keys: list[str]) -> None:
    for key in keys:
        path = f"/practice/clients/{flows.client_id(key)}"
        invite = admin.get(path).json["invite"]
        assert admin.post(f"{path}/invites/{invite['invite_id']}/revoke").status == 200


def test_resending_and_revoking_at_once_leaves_nothing_open(world: World, call: Callable[..., Caller]) -> None:
    people = [call("A1"), call("T4")]
    path = f"/practice/clients/{flows.client_id('C4')}"
    for _ in range(ROUNDS):
        assert flows.invite(people[0], flows.client_id("C4"), NOTICE).status == 201
        invite_id = people[0].get(path).json["invite"]["invite_id"]

        def act(number: int, invite_id: str = invite_id) -> Answer:
            verb = "revoke" if number % 2 else "resend"
            return people[number // 2 % 2].post(f"{path}/invites/{invite_id}/{verb}")

        outcomes = _outcomes(together(THREADS, act))
        assert set(outcomes) <= {(200, None), (201, None), (409, "invitation_closed"), (503, "busy")}
        assert outcomes[200, None] >= 1
        (invite,) = [each for each in flows.stored("invite") if each["invite_id"] == invite_id]
        client = _client("C4")
        assert (invite["status"], client["portal"], client.get("invite_id")) == ("revoked", "none", None)
        assert not [each for each in flows.stored("account") if PEOPLE["C4"].id in each["principals"]]
    before = len(flows.outbox())
    people[0].drain()
    assert len(flows.outbox()) == before  # what was queued for an invitation that is over is not mailed


def test_fields_of_one_section_that_are_saved_at_once_are_all_kept(world: World, call: Callable[..., Caller]) -> None:
    client = call("C1")
    fields = [f"{name}" for name in ("gender", "orientation", "race_ethnicity", "languages", "faith", "access_needs")]
    for turn in range(FEW):
        intake_id = flows.send_packet("C1", QUESTIONNAIRE)

        def write(number: int, intake_id: str = intake_id, turn: int = turn) -> tuple[str, str]:
            field, value = fields[number % len(fields)], f"{turn} by {number}"
            for _ in range(40):
                answer = flows.save(client, intake_id, QUESTIONNAIRE, "identity", {field: value})
                if answer.status == 200:
                    return field, value
                assert (answer.status, answer.code) == (503, "busy")  # nothing was kept, nothing lost: once more
            raise AssertionError("never kept")

        written = together(THREADS, write)
        kept = flows.opened(client, intake_id, QUESTIONNAIRE)["answers"]
        for field in fields:
            assert kept[field] in {value for name, value in written if name == field}


def test_what_is_signed_is_what_was_kept(world: World, call: Callable[..., Caller]) -> None:
    """Saving and signing at once: what was kept before the signature is in it, and nothing is kept after it."""
    client = call("C1")
    for turn in range(FEW):
        intake_id = flows.send_packet("C1", NOTICE, flows.CONSENT)
        flows.fill(client, intake_id, flows.CONSENT)

        def act(number: int, intake_id: str = intake_id, turn: int = turn) -> Answer:
            if number == 7:
                return flows.sign(client, intake_id, flows.CONSENT)
            changes = {"telehealth_location": f"Place {turn}/{number}", "telehealth_agree": True}
            return flows.save(client, intake_id, flows.CONSENT, "telehealth", changes)

        outcomes = _outcomes(together(8, act))
        assert set(outcomes) <= {(200, None), (201, None), (409, "already_signed"), (503, "busy")}
        if outcomes[201, None] == 0:
            assert flows.sign(client, intake_id, flows.CONSENT).status == 201
        form = flows.opened(client, intake_id, flows.CONSENT)
        (section,) = [s for s in _sections(intake_id) if s["section_id"] == "telehealth"]
        assert form["answers"].get("telehealth_location") == section["answers"].get("telehealth_location")
        assert form["status"] == "signed"


def _sections(intake_id: str) -> list[dict[str, Any]]:
    from chalicelib.adapters import keys

    kept = [each for each in flows.stored("section") if each["intake_id"] == intake_id]
    return [each | keys.decrypt(each["tenant_id"], _bytes(each["answers"]), each["sk"]) for each in kept]


def _bytes(value: Any) -> bytes:
    import base64

    return value if isinstance(value, bytes) else base64.b64decode(value)


def test_a_save_in_the_same_millisecond_is_not_lost_to_a_signature(
    world: World, call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times of day do not tell one state from another: two saves within a millisecond look the same."""
    from chalicelib import clock
    from chalicelib.services import intakes

    client, at = call("C1"), clock.now()
    require, beside = intakes._require_complete, [True]
    intake_id = flows.send_packet("C1", flows.CONSENT)

    def slowly(opened: Any) -> None:
        require(opened)
        if beside and beside.pop():
            late = {"telehealth_location": "The late word", "telehealth_agree": True}
            assert flows.save(client, intake_id, flows.CONSENT, "telehealth", late).status == 200

    clock.use(lambda: at)
    try:
        flows.fill(client, intake_id, flows.CONSENT)
        monkeypatch.setattr(intakes, "_require_complete", slowly)
        assert flows.sign(client, intake_id, flows.CONSENT).status == 201
        kept = flows.opened(client, intake_id, flows.CONSENT)
    finally:
        world.portal.clock.rule()
    assert kept["answers"]["telehealth_location"] == "The late word"
