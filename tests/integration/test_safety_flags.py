"""A worrying answer calls for attention until a staff member who may read it marks it as seen (DOMAIN.md 4.7)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import NOTICE, QUESTIONNAIRE, together

C1 = f"/practice/clients/{PEOPLE['C1'].id}"


def _worry(call: Callable[..., Caller]) -> str:
    """C1 signs a questionnaire with a worrying answer, and it is filed."""
    _, document = flows.signed_document(call("C1"), "C1", QUESTIONNAIRE, suicide_thoughts="often")
    call("T1").drain()
    return document


def _see(staff: Caller, document: str) -> Answer:
    return staff.post(f"{C1}/documents/{document}/seen")


def _flagged(staff: Caller) -> list[bool]:
    """What calls for attention: in the file, in the list, among the search results."""
    listed = next(row for row in staff.get("/practice/clients").json["items"] if row["client_id"] == PEOPLE["C1"].id)
    found = staff.post("/practice/clients/search", {"search": "imogen"}).json["items"]
    return [staff.get(C1).json["worrying"], listed["worrying"], *(row["worrying"] for row in found)]


def _news(staff: Caller) -> list[bool]:
    return [each["worrying"] for each in staff.get("/practice/home").json["notifications"]]


def _documents(staff: Caller) -> dict[str, dict[str, Any]]:
    return {each["document_id"]: each for each in staff.get(f"{C1}/documents").json["items"]}


def _settlings() -> list[dict[str, Any]]:
    return [each for each in flows.stored("client_audit") if each["action"] == "client:settle_flag"]


def test_seen_once_it_calls_no_longer_and_says_who_and_when(world: World, call: Callable[..., Caller]) -> None:
    therapist, colleague, admin = call("T1"), call("T3"), call("A1")
    document = _worry(call)
    for staff in (therapist, colleague, admin):
        assert _flagged(staff) == [True] * 3
    assert (_news(therapist), _news(colleague)) == ([True], [True])
    world.portal.clock.advance(60)
    seen = _see(therapist, document)
    assert seen.status == 200
    assert (seen.json["worrying"], seen.json["seen_by_name"]) == (True, PEOPLE["T1"].name)
    world.portal.clock.advance(60)
    assert _see(admin, document).json == seen.json  # the first who saw it counts
    for staff in (therapist, colleague, admin):
        assert _flagged(staff) == [False] * 3
        assert _documents(staff)[document] == seen.json  # the document keeps its mark
    assert (_news(therapist), _news(colleague)) == ([False], [False])
    (settling,) = _settlings()
    assert PEOPLE["T1"].id in settling["actor"]
    assert document in settling["object"]


def test_a_new_worrying_form_calls_again(world: World, call: Callable[..., Caller]) -> None:
    therapist = call("T1")
    first = _worry(call)
    assert _see(therapist, first).status == 200
    second = _worry(call)
    assert _flagged(therapist) == [True] * 3
    assert _news(therapist) == [True, False]  # newest first; what was settled stays so
    assert _see(therapist, first).status == 200
    assert _flagged(therapist) == [True] * 3
    assert _see(therapist, second).status == 200
    assert _flagged(therapist) == [False] * 3


def test_a_form_that_is_still_being_sealed_and_one_without_worries(world: World, call: Callable[..., Caller]) -> None:
    therapist, client = call("T1"), call("C1")
    _, waiting = flows.signed_document(client, "C1", QUESTIONNAIRE, suicide_thoughts="often")
    refused = _see(therapist, waiting)
    assert (refused.status, refused.code) == (409, "not_sealed")
    _, calm = flows.signed_document(client, "C1", NOTICE)
    therapist.drain()
    answer = _see(therapist, calm)
    assert (answer.status, answer.json["seen_at"]) == (200, None)
    assert _flagged(therapist) == [True] * 3
    assert _settlings() == []


@pytest.mark.parametrize("turn", range(5))
def test_a_flag_that_is_raised_at_the_same_moment_stays(turn: int, world: World, call: Callable[..., Caller]) -> None:
    """Three colleagues settle the old one while the new form is sealed: one is the first, and the new flag is up."""
    from chalicelib.services import documents

    old = _worry(call)
    intake_id, new = flows.signed_document(call("C1"), "C1", QUESTIONNAIRE, suicide_thoughts="often")
    seal = partial(documents.seal, world.tenant_id("oak"), PEOPLE["C1"].id, intake_id, QUESTIONNAIRE)
    staff = [call("T1"), call("T3"), call("A1")]
    answers = together(4, lambda n: _see(staff[n], old) if n < 3 else seal())
    assert [each.status for each in answers[:3]] == [200] * 3
    assert len({each.json["seen_by_name"] for each in answers[:3]}) == 1
    assert len(_settlings()) == 1
    assert _flagged(staff[0]) == [True] * 3
    found = _documents(staff[0])
    assert found[old]["seen_at"] is not None
    assert found[new]["seen_at"] is None
