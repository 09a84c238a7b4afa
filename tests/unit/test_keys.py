"""Keys: the organization comes first, no two kinds can meet, nothing in them is about a person, and what is done for
one client writes nothing that something done for another client writes."""

import importlib
import json
import pkgutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from string import Formatter
from typing import Any

import pytest

import chalicelib.models
from chalicelib.models.connection import client
from chalicelib.models.table import DUE, GSI1, GSI2, PRIMARY, TENANT, Key, Record, due_key
from tests import flows
from tests.calls import Caller
from tests.conftest import World
from tests.flows import NOTICE

for module in pkgutil.iter_modules(chalicelib.models.__path__):
    importlib.import_module(f"chalicelib.models.{module.name}")

# Every part that may stand in a key: ids, digests, and names that are ours. An attribute that is missing here is
# taken to be personal until somebody has thought about it.
OPAQUE = {
    "intent_id", "invoice_id", "link_id", "payment_id", "refund_id", "sheet_id",  # of money
    "about", "appointment_id", "attachment_id", "change_id", "client_id", "document_id", "entry_id", "event_id",
    "export_id", "form_id", "intake_id", "invite_id", "job_id", "mail_id", "message_id", "notification_id",
    "opening_id", "print_id", "section_id",
    "sender_id", "series_id", "signup_id", "staff_id", "tenant_id", "thread_id", "token_id", "upload_id",
    "wait_id", "wording_id",  # ids
    "device_digest", "digest", "email_digest", "key_digest", "letters_digest", "mailbox_digest", "match_digest",
    "subject_digest", "token_digest",  # digests
    "account",  # at Stripe: an opaque id
    "number", "proved_at", "purpose", "realm", "shard", "slug", "status", "window",
    "year_month",  # neither about a person nor by one
    "day", "phase", "starts_at",  # of an appointment whose ids are beside them
    "folder", "last_at", "sender_kind", "sent_at",  # of a message: where it lies, and when it came
}  # fmt: skip
# Records without an organization in their key, each because it is found before the organization is known.
PLATFORM = {
    "slug": "PLATFORM#SLUG#{slug}",
    "sent_message": "PLATFORM#SES#{message_id}",
    "feed": "PLATFORM#FEED#{token_digest}",
    "stripe_account": "PLATFORM#STRIPE#{account}",
}
# Kinds that stand in one list on purpose, read together in one query and told apart by their kind; they cannot meet: a
# realm is STAFF or PORTAL, an id has 26 letters.
TOGETHER = [{"account", "suppression"}, {"account", "shared_mailbox"}, {"wording", "usual_wording"}]
# An appointment and a group stand in the list of a therapist's appointments, each under its own id.
TOGETHER.append({"appointment", "group"})
PLACES = [(kind, name, key) for kind, record in Record.kinds().items() for name, key in record.keys().items()]
every_place = pytest.mark.parametrize(
    ("kind", "name", "key"), PLACES, ids=[f"{kind}.{name}" for kind, name, _ in PLACES]
)


def _parts(template: str) -> list[str]:
    return [field for _, field, *_ in Formatter().parse(template) if field]


# ---- what a key is made of ----


def test_every_kind_has_one_key() -> None:
    assert len(Record.kinds()) > 20
    for kind, record in Record.kinds().items():
        assert [key.index for key in record.keys().values()].count(PRIMARY) == 1, kind


@every_place
def test_the_organization_comes_first(kind: str, name: str, key: Key) -> None:
    if kind in PLATFORM:
        assert (key.partition, key.index) == (PLATFORM[kind], PRIMARY)
    else:
        assert key.partition == TENANT or key.partition.startswith(TENANT + "#")


@every_place
def test_nothing_in_a_key_is_about_a_person(kind: str, name: str, key: Key) -> None:
    assert set(_parts(key.partition) + _parts(key.sort)) <= OPAQUE
    assert key.index in (PRIMARY, GSI1, GSI2)


@pytest.mark.parametrize("part", ["", "a#b", "CLIENT#", "é", "‮", "\u2116"])
def test_no_part_breaks_out_of_its_place(part: str) -> None:
    with pytest.raises(ValueError, match="key part"):
        Key(TENANT, "{form_id}").fill({"tenant_id": "t", "form_id": part})


def test_the_due_index_says_no_more_than_the_record() -> None:
    from chalicelib import clock

    pk, sk = due_key("TENANT#t#CLIENT#c", "OUTBOX#m", "client_mail", clock.parse("2026-11-24T08:00:00.000Z"))
    assert pk.startswith("DUE#")
    assert sk == "2026-11-24T08:00:00.000Z#client_mail#m"
    assert DUE not in {key.index for _, _, key in PLACES}


# ---- no two kinds can meet ----


def _could_be_one(one: str, other: str) -> bool:
    """Whether two templates can be filled to the same text: parts are never empty and hold no `#`."""
    left, right = one.split("#"), other.split("#")
    return len(left) == len(right) and all(a == b or "{" in a or "{" in b for a, b in zip(left, right, strict=True))


def test_no_two_kinds_can_stand_at_the_same_key() -> None:
    meeting = [
        f"{a[0]}.{a[1]} and {b[0]}.{b[1]}"
        for a, b in combinations(PLACES, 2)
        if {a[0], b[0]} not in TOGETHER
        and a[2].index == b[2].index
        and _could_be_one(a[2].partition, b[2].partition)
        and _could_be_one(a[2].sort, b[2].sort)
    ]
    assert not meeting


def test_a_list_of_one_kind_holds_no_other() -> None:
    """A list is read by what stands before the first part of the sort key: no other kind of it begins like that."""
    for kind, name, key in PLACES:
        begins = key.sort.partition("{")[0]
        for other, other_name, place in PLACES:
            if (other, other_name) == (kind, name) or place.index != key.index or {kind, other} in TOGETHER:
                continue
            if _could_be_one(key.partition, place.partition):
                fixed = place.sort.partition("{")[0]
                assert not fixed.startswith(begins), f"{other} stands among {kind}"


# ---- what is done for one client meets nothing of another's ----


@contextmanager
def _written(*, together: bool = False) -> Iterator[set[tuple[str, str]]]:
    """The keys of all items that are put, changed or deleted meanwhile, by whomever; or only what is so `together`, in
    transactions."""
    keys: set[tuple[str, str]] = set()
    lock = threading.Lock()

    def note(model: Any, params: dict[str, Any], **_: Any) -> None:
        sent = json.loads(params["body"])
        writes = {
            "TransactWriteItems": lambda: [
                w for item in sent["TransactItems"] for op, w in item.items() if _writes(op)
            ],
            "PutItem": lambda: [sent],
            "UpdateItem": lambda: [sent],
            "DeleteItem": lambda: [sent],
        }.get(model.name, list)()
        if together and model.name != "TransactWriteItems":
            return
        with lock:
            for write in writes:
                place = write.get("Key") or write["Item"]
                keys.add((place["pk"]["S"], place["sk"]["S"]))

    client().meta.events.register_first("before-call.dynamodb", note)
    try:
        yield keys
    finally:
        client().meta.events.unregister("before-call.dynamodb", note)


def _writes(operation: str) -> bool:
    return operation != "ConditionCheck"


def _joined(call: Callable[..., Caller], staff: str, file_id: str, address: str) -> Caller:
    assert flows.invite(call(staff), file_id, NOTICE).status == 201
    newcomer = call()
    answer = flows.redeem(newcomer, flows.mailed_token(newcomer, address))
    assert answer.status == 201, answer
    newcomer.remember(answer)
    return newcomer


def test_two_clients_share_no_item_that_is_written(world: World, call: Callable[..., Caller]) -> None:
    """Nothing is hot, and no transaction of one waits for another's. What an organization counts as a whole (so many
    invitations a day, its own audit in sixteen partitions a month) is shared by its nature."""
    steps: dict[str, list[set[tuple[str, str]]]] = {"invite, join": [], "save": [], "sign, seal, tell": []}
    for number, staff in enumerate(("A1", "A2")):
        address = f"key{number}@mail.example"
        file_id = flows.new_file("oak", f"K{number}", f"Key Number{number}", email=address)
        with _written() as keys:
            newcomer = _joined(call, staff, file_id, address)
        steps["invite, join"].append(keys)
        intake_id = newcomer.get("/portal/intakes").json["items"][0]["intake_id"]
        with _written() as keys:
            flows.fill(newcomer, intake_id, NOTICE)
        steps["save"].append(keys)
        with _written() as keys:
            assert flows.sign(newcomer, intake_id, NOTICE).status == 201
            newcomer.drain()
        steps["sign, seal, tell"].append(keys)
        assert any(f"CLIENT#{file_id}" in pk for pk, _ in keys)
    counters = f"TENANT#{world.tenant_id('oak')}#ATTEMPTS#"
    for name, (one, other) in steps.items():
        assert len(one) >= 2
        shared = {place for place in one & other if not place[0].startswith(counters)}
        assert not shared, name
    assert not [
        pk for keys in (*steps["save"], *steps["sign, seal, tell"]) for pk, _ in keys if pk.startswith(counters)
    ]


def test_two_clients_who_write_to_the_same_people_share_no_item(world: World, call: Callable[..., Caller]) -> None:
    """Not even a count of what is unread: a desk that many write to at once is no hot item. What the organization
    counts as a whole, so many messages a day, are additions beside the transactions: they make none of them wait."""
    written, together = [], []
    for key in ("C1", "C2"):
        with _written() as keys, _written(together=True) as bound:
            body = {"to": "administration", "subject": "A question", "body": "Words"}
            thread = call(key).post("/portal/messages", body).json["thread_id"]
            path = f"/practice/clients/{world.id(key)}/messages/{thread}"
            assert call("A1").post(path, {"body": "An answer"}).status == 201
            assert call("A1").post(f"{path}/read", {"up_to": 1}).status == 204
        written.append(keys)
        together.append(bound)
    assert all(len(bound) > 8 for bound in together)
    assert not together[0] & together[1]
    counters = f"TENANT#{world.tenant_id('oak')}#ATTEMPTS#"
    shared = [place for place in written[0] & written[1] if not place[1].startswith("SESSION")]
    assert len(shared) == 2  # clients' messages, and those of staff
    assert all(pk.startswith(counters) for pk, _ in shared)
