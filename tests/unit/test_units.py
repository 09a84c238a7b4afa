"""DynamoDB units and round trips of every operation of the API: counts, so they are the same on every machine."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks import handler, messages, meter, units
from infra.local import world as demo
from infra.local.server import Server
from tests.calls import Caller
from tests.conftest import World


@pytest.fixture
def rows(world: World, call: Callable[..., Caller]) -> list[units.Row]:
    """The walk of benchmarks/units.py in a small organization."""
    units.fill(world.tenant_id("oak"), world.id("T4"), 30)
    units.fill_history(world.tenant_id("oak"), world.id("T1"), world.id("C1"), 30)
    return units.Walk(world.portal, call).take()


def test_every_operation_keeps_to_its_goals(rows: list[units.Row]) -> None:
    """An operation that costs more than its goal must be known to, with a reason, and must not get dearer."""
    dearer = [f"{row.name}: {', '.join(row.misses())} {row.calls}" for row in rows if row.worse()]
    assert not dearer, "\n".join(dearer)
    cheaper = {row.name for row in rows if not row.misses()} & units.KNOWN.keys()
    assert not cheaper, f"no longer over a goal, strike from KNOWN: {cheaper}"
    assert not [row.name for row in rows if "Scan" in row.calls]
    assert units.KNOWN.keys() <= {row.name for row in rows}


def test_messages_keep_to_theirs(world: World, call: Callable[..., Caller]) -> None:
    messages.fill(world.tenant_id("oak"), world.id("T1"), world.id("C1"), 120)
    rows = {row.name: row for row in messages.walk(world.portal, call().port)}
    assert not messages.misses(list(rows.values()))
    quiet = [row for name, row in rows.items() if "nothing new" in name]
    assert len(quiet) == 3
    assert not [row for row in quiet if row.write or row.read > 4 or len(row.calls) > 3]


def test_the_bare_functions_that_the_handler_is_measured_against_answer_the_same(
    world: World, call: Callable[..., Caller], serving: Server
) -> None:
    people = {"T4": call("T4"), "A1": call("A1"), "C4": call()}
    assert not handler.untrue(handler.taken(serving.site.gateway, people))


def test_an_index_of_keys_only_lists_whole_records(world: World, call: Callable[..., Caller]) -> None:
    from chalicelib.models.invites import Invite

    staff, path = call("T4"), f"/practice/clients/{world.id('C4')}/invites"
    sent = [staff.post(path, {"form_ids": []}).json["invite_id"]]
    assert staff.post(f"{path}/{sent[0]}/revoke", {}).status == 200
    sent.append(staff.post(path, {"form_ids": []}).json["invite_id"])
    page = Invite.page(Invite.BY_TENANT, tenant_id=demo.tenant_id("oak"), limit=1)
    rest = Invite.page(Invite.BY_TENANT, tenant_id=demo.tenant_id("oak"), limit=5, cursor=page.next_cursor)
    assert [each.invite_id for each in (*page.items, *rest.items)] == sorted(sent, reverse=True)
    assert {each.sent_by_name for each in page.items} == {world.person("T4").name}


# ---- the meter itself, by AWS's rules ----


def test_sizes_are_those_of_the_documentation() -> None:
    assert meter.size({"pk": {"S": "é"}}) == 4
    assert meter.size({"n": {"N": "1234"}}) == 1 + 3
    assert meter.size({"n": {"N": "-100"}}) == 1 + 3
    assert meter.size({"b": {"B": base64.b64encode(b"12345").decode()}}) == 1 + 5
    assert meter.size({"l": {"L": [{"S": "ab"}, {"BOOL": True}]}}) == 1 + 3 + 3 + 2
    assert meter.size({"m": {"M": {"k": {"NULL": True}}}}) == 1 + 3 + 1 + 2


@pytest.mark.parametrize(
    ("bytes_", "consistent", "reading", "writing"),
    [
        (0, False, 0.5, 1),
        (1, True, 1, 1),
        (1024, True, 1, 1),
        (1025, True, 1, 2),
        (4097, True, 2, 5),
        (8192, False, 1, 8),
    ],
)
def test_units_are_rounded_up_once(bytes_: int, consistent: bool, reading: float, writing: int) -> None:
    assert meter.read_units(bytes_, consistent) == reading
    assert meter.write_units(bytes_) == writing


def test_an_index_costs_what_changes_in_it() -> None:
    def entry(**more: str) -> dict[str, Any]:
        names = {"pk": "p", "sk": "s", "gsi1pk": "a", "gsi1sk": "b", **more}
        return {name: {"S": value} for name, value in names.items()}

    assert meter.index_units("gsi1", None, entry()) == 1
    assert meter.index_units("gsi1", entry(), entry()) == 0
    assert meter.index_units("gsi1", entry(), entry(word="x")) == 1
    assert meter.index_units("gsi1", entry(), entry(gsi1sk="c")) == 2
    assert meter.index_units("gsi2", entry(gsi2pk="a", gsi2sk="b"), entry(gsi2pk="a", gsi2sk="b", word="x")) == 0


class _Table:
    """A client that meters, over a dictionary."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.meta = self.events = self
        self.hooks: dict[str, Callable[..., None]] = {}

    def register(self, event: str, hook: Callable[..., None]) -> None:
        self.hooks[event.partition(".")[0]] = hook

    def call(
        self, name: str, params: dict[str, Any], answer: dict[str, Any], new: dict[str, Any] | None = None
    ) -> None:
        model, response = type("Model", (), {"name": name}), type("Response", (), {"status_code": 200})
        self.hooks["provide-client-params"](params=params, model=model)
        if new is not None:
            self.items[(new["pk"]["S"], new["sk"]["S"])] = new
        self.hooks["after-call"](http_response=response, parsed=answer, model=model)


def test_a_transaction_costs_twice_by_item_and_a_check_as_much() -> None:
    table = _Table()
    counted = meter.Meter(table, lambda pk, sk: table.items.get((pk, sk)))
    item = {"pk": {"S": "p"}, "sk": {"S": "s"}, "text": {"S": "x" * 1500}, "duepk": {"S": "d"}, "duesk": {"S": "e"}}
    check = {"ConditionCheck": {"Key": {"pk": {"S": "p"}, "sk": {"S": "other"}}}}
    with counted.counting() as cost:
        table.call("TransactWriteItems", {"TransactItems": [{"Put": {"Item": item}}, check]}, {}, item)
    assert (cost.read, cost.write) == (0, 2 * 2 + 1 + 2)
    with counted.counting() as cost:
        table.call("PutItem", {"Item": item}, {}, {**item, "text": {"S": "short"}})
    assert cost.write == 2


def test_a_batch_is_rounded_by_item_and_a_query_once() -> None:
    table = _Table()
    counted = meter.Meter(table, lambda pk, sk: None)
    item = {"pk": {"S": "p"}, "sk": {"S": "s"}, "text": {"S": "x" * 1000}}
    keys = {"t": {"Keys": [{}, {}, {}], "ConsistentRead": True}}
    with counted.counting() as cost:
        table.call("BatchGetItem", {"RequestItems": keys}, {"Responses": {"t": [item, item]}})
    assert cost.read == 3
    with counted.counting() as cost:
        table.call("Query", {"TableName": "t"}, {"Items": [item] * 5})
    assert cost.read == 1
    assert cost.calls == ["Query"]
