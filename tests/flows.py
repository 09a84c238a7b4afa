"""The steps of the main job over HTTP, as tests need them: invite, follow the link, fill in, sign, seal."""

import re
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from infra.local import levers, pump, state, world
from tests.calls import PEOPLE, Answer, Caller

QUESTIONNAIRE = "standard-intake-questionnaire"
CONSENT = "informed-consent-for-psychotherapy"
NOTICE = "notice-of-privacy-practices"
PASSWORD = "seven quiet otters swim"
DRAWN = [[[100, 150], [300, 80], [500, 200]], [[620, 150], [640, 150]]]


def client_id(key: str) -> str:
    """The id of a client or staff member of the world."""
    return PEOPLE[key].id


# ---- invitations ----


def invite(staff: Caller, client: str, *form_ids: str, **words: Any) -> Answer:
    """Invite a client (by id) with these forms; `key` and words of the mail as options."""
    key = words.pop("key", uuid.uuid4().hex)
    body = {"form_ids": list(form_ids), **words}
    return staff.post(f"/practice/clients/{client}/invites", body, key=key)


def link_in(mail: dict[str, Any]) -> str:
    """The token behind the # of a mailed link."""
    found = re.search(r"/join#([A-Za-z0-9._-]+)", mail["text"])
    assert found, mail["text"]
    return found.group(1)


def mailed_token(anyone: Caller, address: str) -> str:
    """Mail what waits (and nothing else: a whole drain takes ten times as long); the link of the newest mail to this
    address."""
    while anyone.local("POST", "/run/on_mail")["handled"]["on_mail"]:
        pass
    return link_in(anyone.outbox(address)[-1])


def reset_link(anyone: Caller, key: str) -> str:
    """Ask for a new password for one of the world's people, and take the token from the mail."""
    anyone.clock.advance(61)  # twice within a minute is once
    assert ask_reset(anyone, key).status == 202
    anyone.drain()
    return token_in(anyone.outbox(PEOPLE[key].email)[-1], "reset")


def ask_reset(anyone: Caller, key: str, **changed: Any) -> Answer:
    """Say that one of the world's people forgot the password."""
    person = PEOPLE[key]
    kind = "staff" if isinstance(person, world.StaffMember) else "client"
    return anyone.post("/password-resets", {"slug": person.tenant, "kind": kind, "email": person.email, **changed})


def token_in(mail: dict[str, Any], page: str) -> str:
    """The token behind the # of a link to one of the portal's pages."""
    found = re.search(rf"/{page}#([A-Za-z0-9._-]+)", mail["text"])
    assert found, mail["text"]
    return found.group(1)


def staff_token(anyone: Caller, address: str) -> str:
    """Deliver what waits, and take the staff link of the newest mail to this address."""
    anyone.drain()
    found = re.search(r"/join-staff#([A-Za-z0-9._-]+)", anyone.outbox(address)[-1]["text"])
    assert found
    return found.group(1)


def join_staff(anyone: Caller, token: str, password: str = PASSWORD) -> Answer:
    """Take up a staff member's invitation: choose a password, set up the authenticator, be signed in."""
    offered = anyone.post("/staff-invitations/second-factor", {"token": token, "password": password})
    assert offered.status == 200, offered
    code = levers.totp(offered.json["secret"], anyone.clock.now())
    answer = anyone.post("/staff-invitations/redemption", {"token": token, "password": password, "code": code})
    if answer.status == 201:
        anyone.remember(answer)
    return answer


def redeem(anyone: Caller, token: str, **more: Any) -> Answer:
    """Create the account behind a link, with the right date of birth for people of the world."""
    whose = token.partition(".")[2].partition(".")[0]
    birth_date = next((each.birth_date for each in world.CLIENTS if each.id == whose), None)
    body = {"token": token, "password": PASSWORD, "birth_date": birth_date, "profile": {}}
    return anyone.post("/invitations/redemption", {**body, **more})


def joined(call: Callable[..., Caller], staff: str, client: str, *form_ids: str) -> Caller:
    """A client of the world who was invited with these forms and has just created the account: signed in, by cookie."""
    assert invite(call(staff), client_id(client), *form_ids).status == 201
    newcomer = call()
    answer = redeem(newcomer, mailed_token(newcomer, PEOPLE[client].email))
    assert answer.status == 201, answer
    newcomer.remember(answer)
    newcomer.person = PEOPLE[client]
    return newcomer


def look_up(anyone: Caller, token: str) -> dict[str, Any]:
    """What a link opens."""
    answer = anyone.post("/invitations/lookup", {"token": token}, key=None)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def ask_again(anyone: Caller, token: str) -> Answer:
    """Ask for a new link."""
    return anyone.post("/invitations/renewal", {"token": token}, key=None)


def act_on(staff: Caller, client: str, invite_id: str, verb: str, **options: Any) -> Answer:
    """Resend or revoke an invitation."""
    return staff.post(f"/practice/clients/{client}/invites/{invite_id}/{verb}", **options)


def details(staff: Caller, client: str) -> dict[str, Any]:
    """Client Details."""
    answer = staff.get(f"/practice/clients/{client}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


# ---- signing up ----

NEWCOMER = {
    "legal_name": "Theodora Finch-Okafor",
    "preferred_name": "Teddybird",
    "birth_date": "1993-05-17",
    "email": "theodora@newcomer.example",
    "phone": "+1 212 555 0177",
}


def sign_up(anyone: Caller, slug: str = "oak", **changed: Any) -> Answer:
    """Send the Sign Up page of an organization, as soon as a person can."""
    page = anyone.get(f"/tenants/{slug}/sign-up").json
    anyone.clock.advance(page["least_seconds"])
    body = {"slug": slug, "ticket": page["ticket"], "may_contact": True, **NEWCOMER, **changed}
    return anyone.post("/sign-ups", body, key=None)


def sign_up_token(anyone: Caller, address: str = NEWCOMER["email"]) -> str:
    """Mail what waits; the link of the newest sign-up mail to this address."""
    while anyone.local("POST", "/run/on_mail")["handled"]["on_mail"]:
        pass
    return token_in(anyone.outbox(address)[-1], "sign-up")


def confirm_sign_up(anyone: Caller, token: str, **changed: Any) -> Answer:
    """Prove the mailbox and choose a password."""
    return anyone.post("/sign-ups/confirmation", {"token": token, "password": PASSWORD, **changed}, key=None)


def signed_up(anyone: Caller, slug: str = "oak", **changed: Any) -> None:
    """Somebody new whose sign-up waits for the practice's answer."""
    assert sign_up(anyone, slug, **changed).status == 202
    answer = confirm_sign_up(anyone, sign_up_token(anyone, changed.get("email", NEWCOMER["email"])))
    assert answer.status == 202, answer


def sign_ups(admin: Caller) -> list[dict[str, Any]]:
    """Who waits for an answer."""
    answer = admin.get("/practice/sign-ups")
    assert answer.status == 200, answer
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def answer_sign_up(admin: Caller, signup: dict[str, Any], how: str, **body: Any) -> Answer:
    """acceptance, link or rejection, of a sign-up as it was read."""
    key = body.pop("key", uuid.uuid4().hex)
    if how == "acceptance":
        body = {"despite": [each["client_id"] for each in signup["alike"]], **body}
    if how == "rejection":
        body = {"tell": False, **body}
    return admin.post(f"/practice/sign-ups/{signup['signup_id']}/{how}", body, key=key, etag=signup["etag"])


# ---- the organization and its files ----


def new_file(tenant: str, key: str, name: str, **more: Any) -> str:
    """Open a client file at "oak", "birch" or "cedar"; its id."""
    from chalicelib.services import clients

    file_id = world.fixed_id(key)
    clients.create(world.tenant_id(tenant), client_id=file_id, legal_name=name, **more)
    return file_id


def change_settings(admin: Caller, **changes: Any) -> None:
    """Change Client Portal Settings."""
    answer = admin.patch("/practice/settings", changes, etag=admin.get("/practice/settings").json["etag"])
    assert answer.status == 200, answer


# ---- packets ----


def send_packet(key: str, *form_ids: str, by: str | None = None) -> str:
    """Put a packet of forms before a client who has an account; its id."""
    from chalicelib import clock
    from chalicelib.context import Actor, Context, Persona
    from chalicelib.models.transaction import Transaction
    from chalicelib.services import clients, forms, intakes, tenants

    person = PEOPLE[key]
    tenant_id = world.tenant_id(person.tenant)
    sender = PEOPLE[by] if by else next(each for each in world.STAFF if each.tenant == person.tenant)
    actor = Actor("staff", sender.id, sender.name)
    context = Context(tenant_id, actor, clock.now(), Persona.PRACTICE, tenant=tenants.get(tenant_id))
    library = {form.form_id: form for form in forms.library(tenant_id)}
    packet = intakes.packet(context, clients.find(tenant_id, person.id), [library[each] for each in form_ids])
    with Transaction() as tx:
        tx.create(packet)
    return str(packet.intake_id)


def take_back(key: str, intake_id: str) -> None:
    """Revoke a packet of a client of the world."""
    from chalicelib.models.transaction import Transaction
    from chalicelib.services import intakes

    with Transaction() as tx:
        intakes.take_back(tx, world.tenant_id(PEOPLE[key].tenant), PEOPLE[key].id, intake_id)


def save(client: Caller, intake_id: str, form_id: str, section_id: str, answers: dict[str, Any], **more: Any) -> Answer:
    """Autosave some fields of a section."""
    path = f"/portal/intakes/{intake_id}/forms/{form_id}/sections/{section_id}"
    return client.patch(path, {"answers": answers, **more})


def opened(client: Caller, intake_id: str, form_id: str) -> dict[str, Any]:
    """A form as its client sees it."""
    answer = client.get(f"/portal/intakes/{intake_id}/forms/{form_id}")
    assert answer.status == 200, answer
    form: dict[str, Any] = answer.json
    return form


def fill(client: Caller, intake_id: str, form_id: str, **given: Any) -> None:
    """Answer what is required, section by section; `given` decides single fields."""
    from chalicelib.services import answers

    form = opened(client, intake_id, form_id)
    definition, values = form["definition"], dict(form["answers"])
    section_of = {spec["id"]: s["id"] for s in definition["sections"] for spec in s["fields"]}
    specs = {spec["id"]: spec for s in definition["sections"] for spec in s["fields"]}
    facts = answers.Facts(form["facts"]["age"], date(2026, 11, 24))
    wanted = dict(given)
    for _ in range(8):
        by_section: dict[str, dict[str, Any]] = {}
        for name, value in wanted.items():
            by_section.setdefault(section_of[name], {})[name] = value
        for section_id, part in by_section.items():
            answer = save(client, intake_id, form_id, section_id, part, position=True)
            assert answer.status == 200, answer
        values |= wanted
        left = {problem.field_id for problem in answers.missing(definition, values, form["skipped"], facts)}
        wanted = {name: _plausible(specs[name]) for name in left}
        if not wanted:
            return
    raise AssertionError(wanted)


def _plausible(spec: dict[str, Any]) -> Any:
    match spec["type"]:
        case "choice":
            return next(o["id"] for o in spec["options"] if o["id"] not in spec.get("worrying", []))
        case "choices":
            return [spec["options"][0]["id"]]
        case "yesno":
            return spec.get("worrying") != [True]
        case "agree":
            return True
        case "date":
            return "1990-02-03"
        case "initials":
            return "QX"
        case "number" | "scale":
            return spec.get("min", 3)
        case "table":
            return [{spec["columns"][0]["id"]: "one"}]
        case _:
            return "As it is"


def signature(name: str = "Wilhelmina Quill", *, drawn: bool = False, **more: Any) -> dict[str, Any]:
    """The body of a signature."""
    return {
        "method": "drawn" if drawn else "typed",
        "typed_name": "" if drawn else name,
        "strokes": DRAWN if drawn else None,
        "printed_name": name,
        "relationship": "self",
        "disclosure_version": 1,
        "consents": {"read": True, "esign": True, "intent": True},
        "time_zone": "America/New_York",
        **more,
    }


def sign(client: Caller, intake_id: str, form_id: str, *, key: str | None = None, **more: Any) -> Answer:
    """Sign a form."""
    path = f"/portal/intakes/{intake_id}/forms/{form_id}/signature"
    return client.post(path, signature(**more), key=key or uuid.uuid4().hex)


def signed_document(client: Caller, key: str, form_id: str = NOTICE, **given: Any) -> tuple[str, str]:
    """A packet of one form, filled in and signed by this client of the world: (intake_id, document_id)."""
    intake_id = send_packet(key, form_id)
    fill(client, intake_id, form_id, **given)
    answer = sign(client, intake_id, form_id)
    assert answer.status == 201, answer
    return intake_id, answer.json["document_id"]


# ---- files ----


def post_file(anyone: Caller, ticket: dict[str, Any], content: bytes, **changed: str) -> Answer:
    """Post a file to the bucket as a browser does; `changed`: other values of the form's fields."""
    fields = {field["name"]: field["value"] for field in ticket["fields"]}
    fields |= {name.replace("_", "-"): value for name, value in changed.items()}
    boundary = "----of-the-browser"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="blob"\r\n'.encode()
    body = b"".join([*parts, head, b"Content-Type: application/octet-stream\r\n\r\n", content])
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return anyone.send("POST", urlsplit(ticket["url"]).path, body + f"\r\n--{boundary}--\r\n".encode(), kind)


def uploaded(caller: Caller, base: str, name: str, content: bytes, **more: Any) -> dict[str, Any]:
    """Send a file below `base` ("/portal" or "/practice/clients/…"), have it checked: what became of it."""
    begun = caller.post(f"{base}/uploads", {"name": name, "size": len(content), **more})
    assert begun.status == 201, begun
    assert post_file(caller, begun.json, content).status == 204
    path = f"{base}/uploads/{begun.json['upload_id']}"
    finished = caller.post(f"{path}/finish")
    assert finished.status == 200, finished
    caller.drain()
    became: dict[str, Any] = caller.get(path).json
    return became


# ---- at the same moment ----


def together(threads: int, work: Callable[[int], Any]) -> list[Any]:
    """The results of `work(0)`, `work(1)`, … all begun at the same moment."""
    barrier = threading.Barrier(threads)

    def one(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


# ---- what is stored ----


def stored(*kinds: str) -> list[dict[str, Any]]:
    """Every item of the table of these kinds (all, when none is named): numbers as text, what is JSON as JSON."""
    from infra.local import cloud

    table = state.backend("dynamodb").tables[cloud.PREFIX]
    items = [item.attrs for partition in list(table.items.values()) for item in list(partition.values())]
    wanted = [each for each in items if not kinds or ("kind" in each and each["kind"].value in kinds)]
    return [{name: attribute.value for name, attribute in each.items()} for each in wanted]


def waiting(queue: str) -> int:
    """How many messages a queue holds."""
    from infra.local import cloud

    return len(state.backend("sqs").queues[f"{cloud.PREFIX}-{queue}"].messages)


def outbox() -> list[dict[str, Any]]:
    """Every mail so far, without a request."""
    return pump.outbox()
