"""Every person of the demo world × every thread × every verb (issue 5).

Who reads, writes, attaches, downloads, puts away and prints is derived here from DOMAIN.md 6.1 and 6.5, not from the
policies."""

import json
from collections.abc import Callable
from typing import Any

from infra.local import world as demo
from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.flows import uploaded
from tests.integration.test_messages import answered, begin, to_client, write
from tests.integration.test_uploads import pdf

Call = Callable[..., Caller]
NOBODYS = "01M8HZZZZZQ9W8E7R6T5Y4V3X2"
# verb → (method, behind the thread's address, body); {file} is the thread's attachment
VERBS: dict[str, tuple[str, str, Any]] = {
    "read": ("GET", "", None),
    "more": ("GET", "?after=0", None),
    "mark": ("POST", "/read", {"up_to": 1}),
    "print": ("GET", "/print", None),
    "pdf": ("POST", "/pdf", {}),
    "download": ("POST", "/attachments/{file}/download", {}),
    "trash": ("POST", "/trash", {}),
    "restore": ("POST", "/restore", {}),
    "see draft": ("GET", "/draft", None),
    "draft": ("PUT", "/draft", {"key": "k" * 26, "body": "x"}),
    "send": ("POST", "", {"body": "x"}),
    "attach": ("POST", "", {"body": "x", "upload_ids": [NOBODYS]}),
}
NEEDS_SEAT = {"see draft", "draft", "send", "attach"}


def test_membership(world: World, call: Call) -> None:
    made = _threads(world, call)
    wrong = []
    for person in PEOPLE.values():
        who = _caller(call, person)
        if who is None:
            continue
        for name, (client, thread, file, members) in made.items():
            for verb, (method, rest, body) in VERBS.items():
                staff = isinstance(person, demo.StaffMember)
                base = to_client(world, client, thread) if staff else f"/portal/messages/{thread}"
                path = base + rest.replace("{file}", file)
                answer = who.api(method, path, body, key=f"{person.key}-{name}-{verb}".replace(" ", "-") + "-matrix")
                expected = _expected(person, client, members, verb)
                if answer.status not in expected:
                    wrong.append(f"{person.key} {verb} {name}: {answer.status} {answer.code}, not {expected}")
                if expected == {404} and json.loads(answer.body)["code"] != "not_found":
                    wrong.append(f"{person.key} {verb} {name}: tells more than that there is nothing")
    assert not wrong, "\n".join(wrong[:30])


def test_ids_of_elsewhere(world: World, call: Call) -> None:
    """A thread's id below another client's address, an attachment's below another thread: the same 404."""
    made = _threads(world, call)
    admin = call("A1")
    client, thread, file, _ = made["C2 and A1"]
    assert admin.get(to_client(world, client, thread)).status == 200
    for elsewhere in ("C1", "C3", "CB"):
        assert admin.get(to_client(world, elsewhere, thread)).status == 404
        assert admin.post(to_client(world, elsewhere, thread), {"body": "x"}).status == 404
    other = write(world, admin, "C2", "Another thread")
    assert admin.post(f"{to_client(world, 'C2', other)}/attachments/{file}/download").status == 404
    foreign = made["C1 and T1"][2]
    assert admin.post(f"{to_client(world, client, thread)}/attachments/{foreign}/download").status == 404
    used = admin.post(to_client(world, "C2", other), {"body": "x", "upload_ids": [file]})
    assert used.code == "upload_used"
    theirs = uploaded(call("C2"), "/portal", "mine.pdf", pdf(), purpose="message")
    stolen = {"body": "x", "upload_ids": [theirs["upload_id"]]}
    assert admin.post(to_client(world, "C2", other), stolen).status == 404
    assert call("C1").post(f"/portal/messages/{made['C1 and T1'][1]}", stolen).status == 404
    document = uploaded(call("C2"), "/portal", "card.pdf", pdf(), category="identification")
    assert (
        call("C2").post(f"/portal/messages/{thread}", {"body": "x", "upload_ids": [document["upload_id"]]}).status
        == 404
    )


def _threads(world: World, call: Call) -> dict[str, tuple[str, str, str, set[str]]]:
    """name → whose client, which thread, its attachment, and who of the staff is in it."""
    made = {
        "C1 and T1": ("C1", begin(call("C1"), world.id("T1")), {"T1"}),
        "C1 and the office": ("C1", begin(call("C1"), "administration"), {"A1", "A2"}),
        "C2 and A1": ("C2", write(world, call("A1"), "C2"), {"A1"}),
        "C3 and T4": ("C3", write(world, call("T4"), "C3"), {"T4"}),
        "CB and BT": ("CB", begin(call("CB"), world.id("BT")), {"BT"}),
    }
    found = {}
    for name, (client, thread, members) in made.items():
        file = uploaded(call(client), "/portal", "notes.pdf", pdf(), purpose="message")
        sent = call(client).post(f"/portal/messages/{thread}", {"body": "See", "upload_ids": [file["upload_id"]]})
        answered(sent)
        found[name] = (client, thread, file["upload_id"], members)
    return found


def _caller(call: Call, person: demo.Person) -> Caller | None:
    if isinstance(person, demo.ClientPerson) and not person.account:
        return None
    return call(person.key)


def _expected(person: demo.Person, client: str, members: set[str], verb: str) -> set[int]:
    good = {200, 201, 204} if verb != "attach" else {404}  # the file is nobody's
    if isinstance(person, demo.ClientPerson):
        if person.tenant == "cedar" and verb in NEEDS_SEAT:
            return {403}  # their plan has no messages at all
        return good if person.key == client else {404}
    assert isinstance(person, demo.StaffMember)
    return good if person.key in members else {404}
