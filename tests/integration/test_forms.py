"""Intake Forms for administrators: drafts, versions, publishing, archive; what was sent keeps its version."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.forms import STANDARD
from tests import flows
from tests.calls import Answer, Caller
from tests.conftest import World
from tests.flows import NOTICE, QUESTIONNAIRE, together

CHANGED = "We now say how long records are kept."


def opened(admin: Caller, form_id: str, **source: Any) -> dict[str, Any]:
    """A fresh draft of a form."""
    answer = admin.post(f"/practice/forms/{form_id}/draft", {"source": "newest", **source})
    assert answer.status == 201, answer
    draft: dict[str, Any] = answer.json
    return draft


def body_of(draft: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the editor sends back."""
    return {name: draft["definition"][name] for name in ("title", "minutes", "intro", "sections")} | changes


def save(admin: Caller, draft: dict[str, Any], **changes: Any) -> Answer:
    """Keep a draft."""
    return admin.patch(f"/practice/forms/{draft['form_id']}/draft", body_of(draft, **changes), etag=draft["etag"])


def publish(admin: Caller, draft: dict[str, Any], what_changed: str | None = None) -> Answer:
    """Make it the newest version."""
    path = f"/practice/forms/{draft['form_id']}/publication"
    return admin.api("POST", path, {"what_changed": what_changed}, etag=draft["etag"])


def renewed(admin: Caller, form_id: str = NOTICE, what_changed: str = CHANGED, **changes: Any) -> dict[str, Any]:
    """A new version of a form, published."""
    saved = save(admin, opened(admin, form_id), **changes)
    assert saved.status == 200, saved
    answer = publish(admin, saved.json, what_changed)
    assert answer.status == 200, answer
    row: dict[str, Any] = answer.json
    return row


def row(caller: Caller, form_id: str) -> dict[str, Any]:
    """A line of the library."""
    return next(each for each in caller.get("/practice/forms").json["items"] if each["form_id"] == form_id)


def test_a_new_form_from_blank_to_published(world: World, call: Callable[..., Caller]) -> None:
    admin, therapist = call("A1"), call("T1")
    begun = admin.post("/practice/forms", {"title": "House rules", "purpose": "consent"})
    assert begun.status == 201, begun
    draft = begun.json
    assert [each["detail"] for each in draft["problems"]] == ["Has no title.", "Does not say why it asks."]
    assert [(each["section"], each["field"]) for each in draft["problems"]] == [(0, None), (0, None)]
    assert row(admin, draft["form_id"])["status"] == "draft"
    assert draft["form_id"] not in [each["form_id"] for each in therapist.get("/practice/forms").json["items"]]
    assert therapist.get(f"/practice/forms/{draft['form_id']}").status == 404
    refused = publish(admin, draft)
    assert (refused.status, refused.code) == (422, "form_unfit")
    assert {each["pointer"] for each in refused.json["errors"]} == {"/sections/0"}
    question = {"id": "pets", "type": "yesno", "label": "Do you bring a pet?", "required": True}
    signature = draft["definition"]["sections"][0]["fields"][0]
    section = {"id": "part_1", "title": "Rules", "why": "So that we agree.", "fields": [question, signature]}
    saved = save(admin, draft, sections=[section], title="Rules of the house")
    assert (saved.status, saved.json["problems"]) == (200, [])
    assert row(admin, draft["form_id"])["title"] == "Rules of the house"
    assert admin.get(f"/practice/forms/{draft['form_id']}/draft/preview").json["version"] == 0
    assert publish(admin, saved.json).json | {} == row(admin, draft["form_id"])
    made = row(admin, draft["form_id"])
    assert (made["version"], made["status"], made["draft_etag"]) == (1, "active", None)
    intake_id = flows.send_packet("C1", draft["form_id"])
    flows.fill(call("C1"), intake_id, draft["form_id"])
    assert flows.sign(call("C1"), intake_id, draft["form_id"]).status == 201


def test_what_was_sent_keeps_its_version(world: World, call: Callable[..., Caller]) -> None:
    admin, client = call("A1"), call("C1")
    before = flows.send_packet("C1", QUESTIONNAIRE)
    assert renewed(admin, QUESTIONNAIRE, title="Intake, second edition")["version"] == 2
    after = flows.send_packet("C1", QUESTIONNAIRE)
    old, new = (flows.opened(client, each, QUESTIONNAIRE) for each in (before, after))
    assert (old["version"], new["version"]) == (1, 2)
    assert (old["title"], new["title"]) == ("Standard Intake Questionnaire", "Intake, second edition")
    listed = admin.get(f"/practice/forms/{QUESTIONNAIRE}/versions").json["items"]
    assert [(each["version"], each["published_by_name"]) for each in listed] == [(2, "Marguerite Ashdown"), (1, None)]
    assert listed[0]["what_changed"] == CHANGED
    for version, title in ((1, "Standard Intake Questionnaire"), (2, "Intake, second edition")):
        shown = admin.get(f"/practice/forms/{QUESTIONNAIRE}", query={"version": version}).json
        assert (shown["version"], shown["title"]) == (version, title)
    assert admin.get(f"/practice/forms/{QUESTIONNAIRE}", query={"version": 3}).status == 404


def test_a_standard_form_goes_back_to_its_text(world: World, call: Callable[..., Caller]) -> None:
    admin = call("A1")
    renewed(admin, QUESTIONNAIRE, title="Ours")
    draft = opened(admin, QUESTIONNAIRE, source="standard")
    assert (draft["definition"]["title"], draft["version"]) == ("Standard Intake Questionnaire", 3)
    assert admin.post(f"/practice/forms/{QUESTIONNAIRE}/draft", {"source": "newest"}).code == "draft_exists"
    replaced = opened(admin, QUESTIONNAIRE, source="version", version=2, replaces=draft["etag"])
    assert replaced["definition"]["title"] == "Ours"
    again = {"source": "standard", "replaces": draft["etag"]}
    assert admin.post(f"/practice/forms/{QUESTIONNAIRE}/draft", again).code == "stale"
    own = admin.post("/practice/forms", {"title": "Own", "purpose": "consent", "copy_of": QUESTIONNAIRE}).json
    assert own["definition"]["title"] == "Own"
    assert own["definition"]["sections"] == replaced["definition"]["sections"]
    assert admin.post(f"/practice/forms/{own['form_id']}/draft", {"source": "standard"}).code == "not_standard"


def test_two_administrators_at_one_draft(world: World, call: Callable[..., Caller]) -> None:
    one, other = call("A1"), call("A2")
    draft = opened(one, NOTICE)
    assert save(other, draft, title="Theirs").status == 200
    late = save(one, draft, title="Mine")
    assert (late.status, late.code) == (412, "stale")
    assert publish(one, draft).code == "stale"
    assert one.delete(f"/practice/forms/{NOTICE}/draft", etag=draft["etag"]).code == "stale"
    now = one.get(f"/practice/forms/{NOTICE}/draft").json
    assert (now["definition"]["title"], now["changed_by_name"]) == ("Theirs", "Tobias Fennimore")
    assert row(one, NOTICE)["title"] == "Notice of Privacy Practices", "a draft changes nothing that is sent"


def test_archived_and_back(world: World, call: Callable[..., Caller]) -> None:
    admin = call("A1")
    path = f"/practice/forms/{NOTICE}"
    assert admin.post(f"{path}/archive").json["status"] == "archived"
    refused = flows.invite(call("T4"), world.id("C4"), NOTICE)
    assert (refused.status, refused.json["errors"][0]["code"]) == (422, "unknown_form")
    renewed(admin, NOTICE)
    assert row(admin, NOTICE)["status"] == "archived", "publishing is not restoring"
    assert admin.post(f"{path}/restore").json["status"] == "active"
    assert flows.invite(call("T4"), world.id("C4"), NOTICE).status == 201


def test_only_what_was_never_published_can_be_deleted(world: World, call: Callable[..., Caller]) -> None:
    admin = call("A1")
    draft = admin.post("/practice/forms", {"title": "Never", "purpose": "questionnaire"}).json
    path = f"/practice/forms/{draft['form_id']}"
    assert admin.post(f"{path}/archive").code == "nothing_published"
    assert admin.delete(f"{path}/draft", etag=draft["etag"]).status == 204
    assert draft["form_id"] not in [each["form_id"] for each in admin.get("/practice/forms").json["items"]]
    known = opened(admin, NOTICE)
    assert admin.delete(f"/practice/forms/{NOTICE}/draft", etag=known["etag"]).status == 204
    assert (row(admin, NOTICE)["version"], row(admin, NOTICE)["draft_etag"]) == (1, None)


def test_a_form_keeps_a_signature(world: World, call: Callable[..., Caller]) -> None:
    admin = call("A1")
    draft = opened(admin, NOTICE)
    sections = draft["definition"]["sections"]
    sections[-1]["fields"] = [each for each in sections[-1]["fields"] if each["type"] != "signature"]
    saved = save(admin, draft, sections=sections)
    assert [each["detail"][:26] for each in saved.json["problems"]] == ["The form has no signature."]
    assert publish(admin, saved.json).code == "form_unfit"


@pytest.mark.parametrize("form_id", STANDARD)
def test_the_editor_loses_nothing(form_id: str, world: World, call: Callable[..., Caller]) -> None:
    """Conditions, prefills, worrying answers: what the body does not know would be gone."""
    admin = call("A1")
    draft = opened(admin, form_id)
    saved = save(admin, draft)
    assert saved.status == 200, saved
    assert saved.json["definition"] == draft["definition"]
    assert saved.json["problems"] == []


@pytest.mark.parametrize(
    "bad",
    [
        {"sections": [{"id": "a", "title": "x", "fields": [{"id": "b", "type": "video"}]}]},
        {"title": "a\x00b"},
        {"minutes": 0},
        {"intro": [{"html": "<b>"}]},
        {"sections": [{"id": "A B", "title": "x", "fields": []}]},
        {"form_id": "other"},
        {"kind": "consent"},
    ],
)
def test_a_draft_is_well_formed(bad: dict[str, Any], world: World, call: Callable[..., Caller]) -> None:
    admin = call("A1")
    assert save(admin, opened(admin, NOTICE), **bad).status == 422


def test_two_publish_at_once(world: World, call: Callable[..., Caller]) -> None:
    people = [call("A1"), call("A2")]
    for turn in range(5):
        draft = opened(people[0], NOTICE)
        answers = together(16, lambda n, d=draft: publish(people[n % 2], d, f"Writer {n}"))
        assert sorted(answer.status for answer in answers) == [200] + [412] * 15
        listed = people[0].get(f"/practice/forms/{NOTICE}/versions").json["items"]
        assert [each["version"] for each in listed] == list(range(turn + 2, 0, -1))
        winner = next(n for n, answer in enumerate(answers) if answer.status == 200)
        assert listed[0]["what_changed"] == f"Writer {winner}"


def test_publishing_while_it_is_saved_publishes_what_was_seen(world: World, call: Callable[..., Caller]) -> None:
    one, other = call("A1"), call("A2")
    for turn in range(8):
        draft = opened(one, NOTICE)
        acts = [
            lambda d=draft: publish(one, d),
            lambda d=draft, t=turn: save(other, d, title=f"Title {t}"),
        ]
        done = together(2, lambda n, a=acts: a[n]())
        assert sorted(answer.status for answer in done)[0] == 200
        if done[0].status == 200:
            assert done[1].status == 412
            assert row(one, NOTICE)["title"] == draft["definition"]["title"]
        else:
            assert (done[0].status, done[1].status) == (412, 200)
            assert one.delete(f"/practice/forms/{NOTICE}/draft", etag=done[1].json["etag"]).status == 204
