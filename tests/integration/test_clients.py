"""Client files over HTTP: found while one types, listed page by page, changed by one hand at a time."""

import base64
import json
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest

from tests import flows
from tests.calls import Caller
from tests.conftest import World

Call = Callable[..., Caller]
C1, C2, C3 = (flows.client_id(key) for key in ("C1", "C2", "C3"))


def _found(staff: Caller, typed: str, **wanted: str) -> list[str]:
    answer = staff.post("/practice/clients/search", {"search": typed, **wanted}, key=None)
    assert answer.status == 200, answer
    return [each["name"] for each in answer.json["items"]]


# ---- search as you type ----

NAMES = {
    "NA": "Zoë Ångström-Núñez",
    "NB": "Seán O’Brien",
    "NC": "ＷＩＤＥ Ｌｅｔｔｅｒｓ",
    "ND": "李小龍",
    "NE": "Straße Groß",
    "NF": "Nguyễn Thị Hồng Nhung",
}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("zoe", "NA"), ("ZOË", "NA"), ("zoe\u0308", "NA"), ("angstrom", "NA"), ("nunez", "NA"), ("Núñ", "NA"),
        ("nunez zo", "NA"), ("ang nun", "NA"), ("  nun   zoe ang ", "NA"), ("Zoë, Ångström", "NA"),
        ("brien", "NB"), ("o'brien", "NB"), ("sean o", "NB"), ("brien sean", "NB"),
        ("wide", "NC"), ("letters w", "NC"), ("李", "ND"), ("李小龍", "ND"), ("strasse", "NE"), ("groß", "NE"),
        ("nguyen", "NF"), ("nhung nguyen", "NF"), ("Hồng", "NF"),
    ],
)  # fmt: skip
def test_any_letters_of_any_words_in_any_order_find_a_name(call: Call, typed: str, name: str) -> None:
    for key, legal_name in NAMES.items():
        flows.new_file("oak", key, legal_name)
    assert _found(call("A1"), typed) == [NAMES[name]]


@pytest.mark.parametrize(
    "typed", ["x", "imogenx", "thistlewoods", "imogen wood", "imogen rafael", "mogen", "1991", "imogen@mail", "!?", "-"]
)
def test_what_is_no_beginning_of_a_name_finds_nothing(call: Call, typed: str) -> None:
    assert _found(call("A1"), typed) == []


def test_the_name_someone_goes_by_finds_them_too(call: Call) -> None:
    for typed in ("i", "im", "imm", "immy", "imog", "imogen", "immy thistle", "thistle imogen immy"):
        assert _found(call("A1"), typed) == ["Immy Thistlewood"]


def _pages_of(staff: Caller, typed: str, **wanted: Any) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        page = staff.post("/practice/clients/search", {"search": typed, "cursor": cursor, **wanted}, key=None).json
        pages.append([each["name"] for each in page["items"]])
        if (cursor := page["next_cursor"]) is None:
            return pages


def test_a_search_goes_on_page_by_page_in_the_order_of_names(call: Call) -> None:
    keys = [f"{a}{b}" for a in "EFGHJK" for b in "0123456789"]
    for number, key in enumerate(keys):
        flows.new_file("oak", key, f"Person Number{number:02}")
    everyone = [f"Person Number{number:02}" for number in range(60)]
    assert _pages_of(call("A1"), "person") == [everyone[:50], everyone[50:]]
    assert _pages_of(call("A1"), "person", limit=20) == [everyone[:20], everyone[20:40], everyone[40:]]
    assert _pages_of(call("A1"), "person number07") == [["Person Number07"]]
    first = call("A1").post("/practice/clients/search", {"search": "person", "limit": 7}, key=None).json
    assert first["total"] == 60
    after = {"search": "person", "limit": 7, "cursor": first["next_cursor"]}
    assert call("A1").post("/practice/clients/search", after, key=None).json["total"] == 60
    for who, cursor in (("A1", C1), ("A1", "x"), ("B1", after["cursor"]), ("T1", after["cursor"])):
        answer = call(who).post("/practice/clients/search", {**after, "cursor": cursor}, key=None)
        assert (answer.status, answer.code) == (400, "invalid_cursor")


def test_a_search_that_cannot_look_at_everyone_says_so_and_more_letters_find_the_others(
    monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    """Letters that very many have in common: only the newest of them are looked at, until fewer have them all."""
    from chalicelib.services import directory

    monkeypatch.setattr(directory, "AT_ONCE", 5)
    monkeypatch.setattr(directory, "ENTRIES", 12)
    names = [f"Alfred Smith{letter}" for letter in "jihgfedcba"] + ["Zoe Smithers", "Bea Smithson"]
    for key, name in zip([f"E{n}" for n in "0123456789"] + ["F0", "F1"], names, strict=True):
        flows.new_file("oak", key, name)  # each is newer than the one before

    def asked(typed: str, who: str = "A1") -> tuple[list[str], int | None]:
        page = call(who).post("/practice/clients/search", {"search": typed}, key=None).json
        return [each["name"] for each in page["items"]], page["total"]

    newest = ["Alfred Smitha", "Alfred Smithb", "Alfred Smithc", "Bea Smithson", "Zoe Smithers"]
    assert asked("smi") == (newest, None)  # five are looked at
    assert asked("smithj") == (["Alfred Smithj"], None)  # as many as the index was asked for: there may be others
    assert asked("a smithj") == asked("smithj al") == (["Alfred Smithj"], 1)  # fewer have both
    assert asked("al") == (["Alfred Smitha", "Alfred Smithb", "Alfred Smithc", "Alfred Smithd", "Alfred Smithe"], None)
    assert asked("zoe smith") == asked("s z") == (["Zoe Smithers"], 1)
    assert asked("nobody") == ([], 0)
    assert asked("smi", "T1") == ([], 0)  # a caseload is looked at whole


def test_a_search_within_the_clients_of_one_therapist_misses_none_of_them(world: World, call: Call) -> None:
    """The fifty that are shown at most are those that were asked for: the others have the same letters and come first
    in the alphabet, but are nobody's, or archived."""
    from tests.booking import assign

    keys = [f"{a}{b}" for a in "EFGHJK" for b in "0123456789"]
    files = [flows.new_file("oak", key, f"Person Number{number:02}") for number, key in enumerate(keys)]
    for each in files[-3:]:
        assign(each, "T1")
    assign(files[-3], "T3")
    assert call("A1").post(f"/practice/clients/{files[-1]}/archive").status == 200
    wanted = {"therapist_id": world.id("T1")}
    last = [f"Person Number{number}" for number in (57, 58, 59)]
    assert _found(call("A1"), "person", **wanted) == last
    assert _found(call("A1"), "person", **wanted, status="active") == last[:2]
    assert _found(call("A1"), "person", **wanted, status="archived") == last[2:]
    assert [_found(call(key), "person", **wanted) for key in ("T1", "T3", "T4")] == [last, last[:1], []]


def test_only_who_may_be_seen_is_found(world: World, call: Call) -> None:
    from chalicelib.services import clients

    flows.new_file("birch", "NA", "Imogen Elsewhere")
    everyone = {key: _found(call(key), "i") for key in ("A1", "A2", "T1", "T3", "T2", "T4", "B1", "D1")}
    assert everyone == {
        "A1": ["Immy Thistlewood"], "A2": ["Immy Thistlewood"], "T1": ["Immy Thistlewood"],
        "T3": ["Immy Thistlewood"], "T2": [], "T4": [], "B1": ["Imogen Elsewhere"], "D1": [],
    }  # fmt: skip
    assert _found(call("T4"), "bea") == ["Bea Lindqvist"]
    clients.unassign(world.tenant_id("oak"), C1, world.id("T1"))
    assert (_found(call("T1"), "i"), _found(call("T3"), "i")) == ([], ["Immy Thistlewood"])
    assert call("C1").post("/practice/clients/search", {"search": "i"}).code == "forbidden"


@pytest.mark.parametrize(
    "body",
    [{}, {"search": ""}, {"search": "   "}, {"search": "x" * 101}, {"search": "a\0b"}, {"search": ["i"]}],
    ids=str,
)
def test_what_is_no_search(call: Call, body: dict[str, Any]) -> None:
    answer = call("A1").post("/practice/clients/search", body)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/search")


def test_letters_of_a_name_are_never_taken_in_an_address(call: Call) -> None:
    """Addresses are logged by every machine on the way."""
    answer = call("A1").get("/practice/clients", query={"search": "x"})
    assert (answer.status, answer.code) == (422, "invalid_body")


# ---- lists and their cursors ----


def _pages(staff: Caller, limit: int) -> list[list[str]]:
    path, pages, cursor = "/practice/clients", [], None
    while True:
        query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        page = staff.get(path, query=query).json
        pages.append([each["client_id"] for each in page["items"]])
        if (cursor := page["next_cursor"]) is None:
            return pages


def test_pages_hold_every_client_once(call: Call) -> None:
    everyone = [flows.client_id(key) for key in ("C5", "C4", "C3", "C2", "C1")]
    for limit in (1, 2, 3, 100):
        pages = _pages(call("A1"), limit)
        assert list(chain(*pages)) == everyone
        assert all(len(page) <= limit for page in pages)
    listed = {key: list(chain(*_pages(call(key), 1))) for key in ("T1", "T2", "T4", "BT")}
    assert listed == {
        "T1": [C1], "T2": [], "T4": [flows.client_id("C4"), C3], "BT": [flows.client_id("CB")],
    }  # fmt: skip


def _cursor(**key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _read(cursor: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return found


def _refuses(staff: Caller, cursor: str, path: str = "/practice/clients") -> None:
    answer = staff.get(path, query={"cursor": cursor})
    assert (answer.status, answer.code) == (400, "invalid_cursor")


def test_a_cursor_of_another_organization_opens_nothing(call: Call) -> None:
    flows.new_file("birch", "NA", "Another One")
    theirs = call("B1").get("/practice/clients", query={"limit": 1}).json["next_cursor"]
    ours = call("A1").get("/practice/clients", query={"limit": 1}).json["next_cursor"]
    _refuses(call("A1"), theirs)
    _refuses(call("B1"), ours)


def test_a_cursor_of_another_list_opens_nothing(world: World, call: Call) -> None:
    admin = call("A1")
    clients = admin.get("/practice/clients", query={"limit": 1}).json["next_cursor"]
    assigned = call("T4").get("/practice/clients", query={"limit": 1}).json["next_cursor"]
    for key in ("C1", "C1", "C2", "C2"):
        flows.send_packet(key, flows.NOTICE)
    packets = {key: _first(admin, f"/practice/clients/{flows.client_id(key)}/intakes") for key in ("C1", "C2")}
    _refuses(admin, assigned)  # a therapist's list
    _refuses(call("T1"), assigned)  # of somebody else
    _refuses(call("T4"), clients)  # everyone's list
    _refuses(admin, packets["C1"])
    _refuses(admin, packets["C1"], f"/practice/clients/{C2}/intakes")  # another client's
    _refuses(admin, packets["C1"], f"/practice/clients/{C1}/documents")  # another kind, same client
    _refuses(call("C1"), packets["C2"], "/portal/intakes")
    assert call("C1").get("/portal/intakes", query={"cursor": packets["C1"]}).status == 200  # the very same list


def _first(staff: Caller, path: str) -> str:
    cursor: str = staff.get(path, query={"limit": 1}).json["next_cursor"]
    assert cursor
    return cursor


@pytest.mark.parametrize(
    "change",
    [
        {"gsi1pk": "TENANT#01KF8DEM00000000000000B1RCH#CLIENTS"}, {"gsi1pk": "TENANT#"}, {"gsi1pk": 7},
        {"gsi1sk": None}, {"gsi1sk": ""}, {"gsi1sk": "x" * 1000}, {"more": "x"}, {"pk": {"S": "x"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_forged_cursor_opens_nothing(call: Call, change: dict[str, Any]) -> None:
    good = _read(_first(call("A1"), "/practice/clients"))
    _refuses(call("A1"), _cursor(**{**good, **change}))


def test_a_cursor_moved_within_its_list_shows_only_what_is_in_the_list(call: Call) -> None:
    """Whoever makes one up for their own list can only skip rows of their own."""
    good = _read(_first(call("T4"), "/practice/clients"))
    moved = _cursor(**{**good, "gsi1sk": "7" + "Z" * 25})
    answer = call("T4").get("/practice/clients", query={"cursor": moved})
    assert {each["client_id"] for each in answer.json["items"]} <= {C3, flows.client_id("C4")}


@pytest.mark.parametrize("cursor", ["x", "!!", "AA==", "e30", "W10", "bnVsbA", "\u00e9", "%00", "=" * 40])
def test_what_is_no_cursor(call: Call, cursor: str) -> None:
    _refuses(call("A1"), cursor)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_body"), ("limit=101", "invalid_body"), ("limit=many", "invalid_body"),
        ("offset=1", "invalid_body"), (f"cursor={'x' * 2001}", "invalid_body"), ("limit=1&limit=2", "malformed"),
    ],
)  # fmt: skip
def test_what_is_no_page(call: Call, query: str, code: str) -> None:
    assert call("A1").get(f"/practice/clients?{query}").code == code


# ---- order and filters ----

ANNA, BEA, ZOE = "Anna Zeller", "bea Adams", "Ángel Mora"


def _listed(staff: Caller, limit: int = 100, **query: Any) -> list[str]:
    names, cursor = [], None
    while True:
        answer = staff.get(
            "/practice/clients", query={"limit": limit, **query, **({"cursor": cursor} if cursor else {})}
        )
        assert answer.status == 200, answer
        assert len(answer.json["items"]) <= limit
        names += [each["name"] for each in answer.json["items"]]
        if (cursor := answer.json["next_cursor"]) is None:
            assert answer.json["total"] in (None, len(names))
            return names


def test_the_order_of_names_is_that_of_a_phone_book_and_no_page_breaks_it(call: Call) -> None:
    for key, name in (("NA", ANNA), ("NB", BEA), ("NC", ZOE)):
        flows.new_file("oak", key, name)
    admin = call("A1")
    everyone = _listed(admin, order="name")
    ours = [each for each in everyone if each in (ANNA, BEA, ZOE)]
    assert ours == [ZOE, ANNA, BEA]  # case and accents do not matter
    assert sorted(everyone) == sorted(_listed(admin, order="newest"))
    for limit in (1, 2, 3):
        assert _listed(admin, limit, order="name") == everyone
    assert everyone == sorted(everyone, key=lambda name: name.casefold().replace("á", "a"))


def test_filters_tell_who_is_where_with_the_portal(call: Call) -> None:
    admin = call("A1")
    _, invited, gone = (
        flows.new_file("oak", key, f"Ada {key}", email=f"{key}@mail.example") for key in ("NA", "NB", "NC")
    )
    assert flows.invite(admin, invited).status == 201
    assert admin.post(f"/practice/clients/{gone}/archive").status == 200
    ada = {
        name: [each for each in _listed(admin, 2, order=order, **query) if each.startswith("Ada")]
        for order in ("name", "newest")
        for name, query in {
            "active": {"status": "active"}, "archived": {"status": "archived"},
            "not invited": {"joined": "not_invited", "status": "active"}, "not joined": {"joined": "not_joined"},
            "joined": {"joined": "joined"},
        }.items()
    }  # fmt: skip
    assert ada == {
        "active": ada["active"], "archived": ["Ada NC"], "not invited": ["Ada NA"], "not joined": ["Ada NB"],
        "joined": [],
    }  # fmt: skip
    assert sorted(ada["active"]) == ["Ada NA", "Ada NB"]


def test_filters_by_therapist(call: Call) -> None:
    admin = call("A1")
    flows.new_file("oak", "NA", "Ada Alone")
    of_t4 = _listed(admin, therapist_id=flows.client_id("T4"), order="name")
    assert of_t4 == _listed(call("T4"), order="name") != []
    nobody = _listed(admin, therapist_id="nobody", order="name")
    assert "Ada Alone" in nobody
    assert not set(nobody) & set(of_t4)
    assert _listed(call("T2"), therapist_id=flows.client_id("T4")) == []  # of their own caseload, which is empty
    assert admin.get("/practice/clients", query={"therapist_id": "T4"}).status == 422


def test_a_cursor_in_order_tells_nobody_where_others_stand_in_the_alphabet(call: Call) -> None:
    for foreign in (flows.client_id("CB"), C2, "x", "7" + "Z" * 25):
        answer = call("T4").get("/practice/clients", query={"order": "name", "cursor": foreign})
        assert (answer.status, answer.code) == (400, "invalid_cursor")
    after = call("A1").get("/practice/clients", query={"order": "name", "cursor": C2, "status": "archived"})
    assert after.status == 200  # a place in the order, whether or not it fits the filter


# ---- one's own profile ----


def test_two_devices_do_not_overwrite_each_other(call: Call) -> None:
    phone, tablet = call("C1"), call.browser("C1")  # type: ignore[attr-defined]
    seen = phone.get("/portal/profile")
    etag = seen.json["etag"]
    assert seen.headers["ETag"] == f'"{etag}"'
    changed = phone.patch("/portal/profile", {"phone": "+1 212 555 0190"}, etag=etag)
    assert (changed.status, changed.json["phone"]) == (200, "+1 212 555 0190")
    assert changed.json["etag"] != etag
    late = tablet.patch("/portal/profile", {"phone": "+1 212 555 0191", "preferred_name": "Imo"}, etag=etag)
    assert (late.status, late.code) == (412, "stale")
    assert tablet.get("/portal/profile").json == changed.json
    again = tablet.patch("/portal/profile", {"preferred_name": "Imo"}, etag=changed.json["etag"])
    assert (again.status, again.json["phone"], again.json["preferred_name"]) == (200, "+1 212 555 0190", "Imo")


@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [(None, 428, "if_match_missing"), ('""', 428, "if_match_missing"), ("*", 412, "stale"), ('"0"', 412, "stale"),
     ('"abc"', 412, "stale"), ('"-1"', 412, "stale"), ('"1", "2"', 412, "stale"), ('"' + "9" * 16 + '"', 412, "stale")],
)  # fmt: skip
def test_a_change_names_what_it_changes(call: Call, tag: str | None, status: int, code: str) -> None:
    answer = call("C1").patch("/portal/profile", {"phone": "555 0101"}, headers={"If-Match": tag} if tag else None)
    assert (answer.status, answer.code) == (status, code)
    assert call("C1").get("/portal/profile").json["phone"] == "+1 212 555 0121"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"legal_name": "Someone Else"}, "/legal_name"),  # the practice's to change
        ({"email": "new@mail.example"}, "/email"),
        ({"birth_date": "1990-01-01"}, "/birth_date"),
        ({"client_id": C2}, "/client_id"),
        ({"preferred_name": "x" * 101}, "/preferred_name"),
        ({"preferred_name": "two\nlines"}, "/preferred_name"),
        ({"phone": 5}, "/phone"),
        ({"phone": "call me"}, "/phone"),
        ({"phone": "555-01"}, "/phone"),
        ({"phone": "212 555 0142 or ask Bea"}, "/phone"),
        ({"address": {"line1": "", "city": "Harborview", "region": "NY", "postal_code": "1"}}, "/address/line1"),
        ({"emergency_contact": {"name": "", "relationship": "B", "phone": "555 0101"}}, "/emergency_contact/name"),
        ({"emergency_contact": {"name": "A", "relationship": "B", "phone": "at work"}}, "/emergency_contact/phone"),
        ({"address": {"line1": "1 Way", "city": "Harborview", "postal_code": "1"}}, "/address/region"),
        ({"address": "1 Way"}, "/address"),
        ({"emergency_contact": {"name": "A", "relationship": "B", "phone": "555 0101", "may_contact": "yes"}},
         "/emergency_contact/may_contact"),
    ],
    ids=lambda value: str(value)[:32],
)  # fmt: skip
def test_what_a_profile_does_not_take_is_pointed_at(call: Call, change: dict[str, Any], pointer: str) -> None:
    client = call("C1")
    before = client.get("/portal/profile").json
    answer = client.patch("/portal/profile", {"phone": "555 0101", **change}, etag=before["etag"])
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert client.get("/portal/profile").json == before


def test_what_is_left_out_of_an_address_does_not_make_it_unreadable(call: Call) -> None:
    """A country has a usual value; kept without it, neither the client nor staff could open the file again."""
    client = call("C1")
    address = {"line1": "1 Way", "city": "Harborview", "region": "NY", "postal_code": "10000"}
    contact = {"name": "Zelda Nearby", "relationship": "Aunt", "phone": "+1 212 555 0199"}
    etag = client.get("/portal/profile").json["etag"]
    changes = {"address": address, "emergency_contact": contact}
    assert client.patch("/portal/profile", changes, etag=etag).status == 200
    for file in (client.get("/portal/profile").json, flows.details(call("T1"), C1)):
        assert file["address"] == {**address, "line2": None, "country": "US"}
        assert file["emergency_contact"] == {**contact, "may_contact": False}


def test_a_file_that_does_not_fit_its_view_is_our_defect_and_not_the_askers(world: World, call: Call) -> None:
    from chalicelib.models.clients import Client
    from chalicelib.models.transaction import change

    change(Client.at(tenant_id=world.tenant_id("oak"), client_id=C1), Client.address.set({"line1": "1 Way"}))
    for answer in (call("C1").get("/portal/profile"), call("T1").get(f"/practice/clients/{C1}")):
        assert (answer.status, answer.code, "errors" in answer.json) == (500, "internal", False)


def test_a_new_name_is_found_and_the_old_one_no_more(call: Call) -> None:
    client = call("C1")
    etag = client.get("/portal/profile").json["etag"]
    changed = client.patch("/portal/profile", {"preferred_name": "Mo", "address": None}, etag=etag).json
    assert (changed["preferred_name"], changed["address"], changed["phone"]) == ("Mo", None, "+1 212 555 0121")
    assert (_found(call("A1"), "mo"), _found(call("A1"), "immy")) == (["Mo Thistlewood"], [])
    cleared = client.patch("/portal/profile", {"preferred_name": None}, etag=changed["etag"]).json
    assert cleared["preferred_name"] is None
    assert (_found(call("A1"), "mo"), _found(call("A1"), "imogen")) == ([], ["Imogen Thistlewood"])
