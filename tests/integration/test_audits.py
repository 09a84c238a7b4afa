"""What staff read of clients is on record before they see it (DOMAIN.md 8), lists included."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local import world as demo
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World


def _events(*kinds: str) -> list[dict[str, Any]]:
    """The events so far but for signing in, oldest first, what is JSON in them read."""
    found = sorted(flows.stored(*kinds or ("tenant_audit", "client_audit")), key=lambda item: str(item["event_id"]))
    plain = [{**item, "actor": json.loads(item["actor"]), "object": json.loads(item["object"])} for item in found]
    return [item for item in plain if item["action"] != "session:create"]


def _shown(answer: Answer) -> list[str]:
    """Everyone whom an answer names, wherever in it."""
    assert answer.status == 200, answer
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.extend([value["client_id"]] if "client_id" in value else [])
            value = list(value.values())
        for each in value if isinstance(value, list) else []:
            look(each)

    look(answer.json)
    return list(dict.fromkeys(found))


READS: dict[str, tuple[str, Callable[[Caller], Answer]]] = {
    "list": ("client:list", lambda staff: staff.get("/practice/clients")),
    "page": ("client:list", lambda staff: staff.get("/practice/clients", query={"limit": 1})),
    "search": ("client:list", lambda staff: staff.post("/practice/clients/search", {"search": "i"})),
    "home": ("home:read", lambda staff: staff.get("/practice/home")),
    "notifications": ("notification:read", lambda staff: staff.get("/practice/notifications")),
}


@pytest.mark.parametrize("key", ["A1", "T1"])
@pytest.mark.parametrize("read", READS)
def test_whoever_is_named_in_a_list_is_named_in_its_one_event(
    read: str, key: str, world: World, call: Callable[..., Caller]
) -> None:
    flows.signed_document(call("C1"), "C1")
    assert flows.invite(call("A1"), flows.client_id("C4")).status == 201
    staff = call(key)
    staff.drain()
    before = _events()
    action, work = READS[read]
    answer = work(staff)
    shown = _shown(answer)
    new = [each for each in _events() if each not in before]
    if not shown:  # A1 is told nothing of C1, whose therapists were
        assert (read, key, new) == ("notifications", "A1", [])
        return
    (event,) = new
    assert event["kind"] == "tenant_audit"
    assert event["tenant_id"] == demo.tenant_id("oak")
    assert (event["action"], event["outcome"]) == (action, "done")
    assert event["object"] == {"client_ids": shown}
    assert (event["actor"]["kind"], event["actor"]["id"]) == ("staff", PEOPLE[key].id)
    assert event["actor"]["session"]


def test_an_answer_that_names_nobody_writes_nothing(call: Callable[..., Caller]) -> None:
    before = _events()
    nobody = call("T2")  # has no clients
    for _, work in READS.values():
        assert _shown(work(nobody)) == []
    assert call("A1").post("/practice/clients/search", {"search": "zzz"}).json["items"] == []
    for path in ("/practice/settings", "/practice/forms", "/session"):
        assert call("A1").get(path).status == 200
    assert _events() == before


def test_a_list_that_is_refused_writes_nothing(call: Callable[..., Caller]) -> None:
    before = _events()
    assert call("A1").get("/practice/clients", query={"limit": 0}).status == 422
    assert call("C1").get("/practice/clients").status == 403
    assert call().get("/practice/home").status == 401
    assert _events() == before


def test_the_longest_list_is_one_event_well_under_4_kb(world: World, call: Callable[..., Caller]) -> None:
    from benchmarks import meter, units

    units.fill(world.tenant_id("oak"), world.id("T4"), 120)
    shown = _shown(call("A1").get("/practice/clients", query={"limit": 100}))
    assert len(shown) == 100
    (event,) = [each for each in _events("tenant_audit") if each["action"] == "client:list"]
    assert event["object"]["client_ids"] == shown
    (item,) = [each for each in flows.stored("tenant_audit") if each["event_id"] == event["event_id"]]
    assert meter.size({name: {"S": value} for name, value in item.items()}) < 3700
    found = _shown(call("A1").post("/practice/clients/search", {"search": "w"}))
    assert 1 <= len(found) <= 50


def test_more_than_an_event_can_name_is_not_shown() -> None:
    from chalicelib import clock
    from chalicelib.context import Actor, Context, Persona
    from chalicelib.services import audits

    context = Context(demo.tenant_id("oak"), Actor("staff", PEOPLE["A1"].id), clock.now(), Persona.PRACTICE)
    with pytest.raises(ValueError, match="too many"):
        audits.event(context, "client:list", client_ids=["x"] * 101)
