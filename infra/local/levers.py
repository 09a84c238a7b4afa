"""`/_local/…`: what an automated suite or a curious person needs, and no deployed stage has.

GET  /_local/                     every lever and account, for people
GET  /_local/outbox               all mails as JSON, oldest first    ?to=address
GET  /_local/mail                 the same mails to read, newest first
GET  /_local/accounts             the demo accounts, as in .local/accounts.json
GET  /_local/code/{key}           a staff member's current authenticator code (application's clock)
GET  /_local/clock                {"now", "offset_seconds"}
POST /_local/clock                {"advance_seconds": n} or {"set": instant} or {"reset": true}
POST /_local/drain                run due work and queues until quiet
POST /_local/run/{function}       run one event function once
GET  /_local/faults               what is planned
POST /_local/faults               {"operation", "count": 1, "fault", "skip": 0}; {"clear": true} forgets all
POST /_local/tenant               {"arguments": […]}: what `python -m infra.tenant` would do
GET  /_local/stripe/requests      every request that the stand-in for Stripe was sent, as text
POST /_local/stripe               hold, copies, shuffle, down, pay, refund, dispute …: see stripe_double.lever
POST /_local/reset                back to the seeded world
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from html import escape
from typing import Any

from infra.local import faults, pump, stripe_double, world
from infra.local.gateway import Answer
from infra.local.portal import Portal

PREFIX = "/_local/"
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; frame-ancestors 'self'"
SANDBOX = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
MAIL_POLICY = f"{PAGE_POLICY}; sandbox {SANDBOX}"


class Refused(Exception):
    """What was asked for makes no sense; the text says why."""


def answer(portal: Portal, base_url: str, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
    """One call of a lever; `path` is what follows /_local/."""
    try:
        return _answer(portal, base_url, method, path, query, _json(body) if method == "POST" else {})
    except Refused as error:
        return _json_answer({"error": str(error)}, 422)


def _answer(
    portal: Portal, base_url: str, method: str, path: str, query: dict[str, str], asked: dict[str, Any]
) -> Answer:
    name, _, rest = path.partition("/")
    match method, name, rest:
        case "GET", "", "":
            return _page("Local levers", _index(portal))
        case "GET", "outbox", "":
            mails = pump.outbox()
            wanted = query.get("to")
            return _json_answer([mail for mail in mails if wanted is None or wanted in mail["to"]])
        case "GET", "mail", "":
            return _page("Outbox", _mails(pump.outbox()))
        case "GET", "mail", _:
            return _one_mail(rest)
        case "GET", "accounts", "":
            return _json_answer(world.accounts(base_url))
        case "GET", "code", _:
            return _json_answer({"code": _code(portal, rest)})
        case "GET", "clock", "":
            return _json_answer(_time(portal))
        case "POST", "clock", "":
            _move(portal, asked)
            return _json_answer(_time(portal))
        case "POST", "drain", "":
            return _json_answer(portal.pump.drain())
        case "POST", "run", _:
            if rest not in (pump.SCHEDULED, *pump.FUNCTIONS.values()):
                raise Refused(f"functions: {', '.join((pump.SCHEDULED, *pump.FUNCTIONS.values()))}")
            return _json_answer({"handled": {rest: portal.pump.invoke(rest)}})
        case "GET", "faults", "":
            return _json_answer(faults.planned())
        case "POST", "faults", "":
            _plan(asked)
            return _json_answer(faults.planned())
        case "POST", "tenant", "":
            return _json_answer(_operate(asked))
        case "GET", "stripe", "requests":
            return _json_answer(list(stripe_double.everything_sent()))
        case "POST", "stripe", "":
            return _json_answer(stripe_double.lever(asked, portal.clock.now()))
        case "POST", "reset", "":
            portal.reset()
            return _json_answer({"now": _time(portal)["now"]})
    return _json_answer({"error": "no such lever; GET /_local/ lists them"}, 404)


def _operate(asked: dict[str, Any]) -> dict[str, Any]:
    from infra import tenant

    arguments = asked.get("arguments")
    if not isinstance(arguments, list) or not all(isinstance(each, str) for each in arguments):
        raise Refused("arguments: a list of strings")
    try:
        return tenant.run(arguments)
    except tenant.Refused as why:
        raise Refused(str(why)) from None
    except SystemExit:
        raise Refused("python -m infra.tenant --help says what can be asked for") from None


def _json(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        raise Refused("the body is not JSON") from None
    if not isinstance(asked, dict):
        raise Refused("the body is not an object")
    return asked


def _json_answer(value: Any, status: int = 200) -> Answer:
    body = json.dumps(value, indent=1, ensure_ascii=False).encode()
    return Answer(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")], body)


# ---- clock and faults ----


def _time(portal: Portal) -> dict[str, Any]:
    now = portal.clock.now()
    seconds = round(portal.clock.offset.total_seconds(), 3)
    return {"now": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "offset_seconds": seconds}


def _move(portal: Portal, asked: dict[str, Any]) -> None:
    match asked:
        case {"advance_seconds": int() | float() as seconds, **others} if not others and not isinstance(seconds, bool):
            portal.move_clock(lambda clock: clock.advance(seconds))
        case {"set": str() as instant, **others} if not others:
            try:
                at = datetime.fromisoformat(instant)
            except ValueError:
                raise Refused('"set" is an instant such as 2026-11-24T07:00:00Z') from None
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            portal.move_clock(lambda clock: clock.set(at))
        case {"reset": True, **others} if not others:
            portal.move_clock(lambda clock: clock.reset())
        case _:
            raise Refused('one of {"advance_seconds": n}, {"set": instant}, {"reset": true}')


def _plan(asked: dict[str, Any]) -> None:
    if asked == {"clear": True}:
        faults.clear()
        return
    operation, fault = asked.get("operation"), asked.get("fault")
    count, skip = asked.get("count", 1), asked.get("skip", 0)
    if set(asked) - {"operation", "fault", "count", "skip"} or not isinstance(operation, str) or not operation:
        raise Refused('"operation" is an AWS operation such as TransactWriteItems, SendEmail, SendMessage, PutObject')
    if fault not in faults.KINDS:
        raise Refused(f'"fault" is one of {", ".join(faults.KINDS)}')
    if type(count) is not int or type(skip) is not int or count < 1 or skip < 0:
        raise Refused('"count" is 1 or more, "skip" 0 or more')
    faults.add(operation, fault, count, skip)


def _code(portal: Portal, key: str) -> str:
    """RFC 6238, six digits, thirty seconds, SHA-1: what the person's authenticator shows now."""
    member = next((each for each in world.STAFF if each.key == key), None)
    if member is None:
        raise Refused(f"staff: {', '.join(each.key for each in world.STAFF)}")
    return totp(member.totp_secret, portal.clock.now())


def totp(secret: str, now: datetime) -> str:
    """The code of a base32 secret at an instant."""
    counter = int(now.timestamp()) // 30
    mac = hmac.new(base64.b32decode(secret), counter.to_bytes(8, "big"), hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


# ---- pages ----

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:68rem;
margin:2rem auto;padding:0 1rem;color:#1d2a2a;background:#f6f8f7}
article{background:#fff;border:1px solid #d5dfdc;border-radius:12px;margin:0 0 1.25rem;padding:1rem 1.25rem}
iframe{width:100%;height:30rem;border:1px solid #d5dfdc;border-radius:8px;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:0}
p.meta{color:#51625f;margin:.1rem 0 .6rem}
table{border-collapse:collapse;width:100%}td,th{
text-align:left;padding:.3rem .6rem .3rem 0;border-top:1px solid #d5dfdc}
code{background:#eef3f1;padding:.1rem .3rem;border-radius:4px}a{color:#0b6b62}td code{white-space:nowrap}
"""


def _page(title: str, inner: str) -> Answer:
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)} - local</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f'<h1>{escape(title)}</h1><p><a href="/">Portal</a> · <a href="/_local/">Levers</a> · '
        f'<a href="/_local/mail">Outbox</a></p>{inner}</html>'
    )
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", PAGE_POLICY)]
    return Answer(200, [*headers, ("Cache-Control", "no-store")], html.encode())


def _index(portal: Portal) -> str:
    rows = ""
    for each in (*world.STAFF, *world.CLIENTS):
        who, sign_in, code, word = "client", f"/{each.tenant}", "", each.password
        if isinstance(each, world.StaffMember):
            who, sign_in = " and ".join(each.roles), f"/{each.tenant}/staff"
            code = totp(each.totp_secret, portal.clock.now())
        elif isinstance(each, world.ClientPerson) and not each.account:
            who, sign_in, word = f"client, {each.status}, no account", "", ""
        link = f'<a href="{sign_in}">{sign_in}</a>' if sign_in else ""
        shown = f"<code>{word}</code>" if word else ""
        cells = (each.key, escape(each.name), who, link, escape(each.email), shown, code)
        rows += f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    heads = "".join(f"<th>{head}</th>" for head in ("", "Who", "Role", "Sign in", "E-mail", "Password", "Code now"))
    now = escape(_time(portal)["now"])
    return (
        f"<p>Application's clock: <code>{now}</code>. Codes change every 30 seconds: reload.</p>"
        f"<table><tr>{heads}</tr>{rows}</table><pre>{escape(__doc__ or '')}</pre>"
    )


def _mails(mails: list[dict[str, Any]]) -> str:
    if not mails:
        return "<p>No mail yet.</p>"
    shown = ""
    for number, mail in reversed(list(enumerate(mails))):
        to = escape(", ".join(mail["to"]))
        text = _linked(mail["text"] or "")
        frame = f'<iframe sandbox="{SANDBOX}" src="/_local/mail/{number}" title="The mail as HTML"></iframe>'
        shown += (
            f"<article><h2>{escape(mail['subject'] or '')}</h2>"
            f'<p class="meta">to {to} · from {escape(mail["from"] or "")} · {escape(mail["sent_at"] or "")}</p>'
            f"<pre>{text}</pre><details><summary>As HTML</summary>{frame}</details></article>"
        )
    return shown


def _linked(text: str) -> str:
    """Escaped, with addresses that can be followed."""
    words = []
    for line in text.split("\n"):
        parts = []
        for word in line.split(" "):
            safe = escape(word)
            is_link = word.strip().startswith(("http://", "https://"))
            parts.append(f'<a href="{safe.strip()}" target="_top">{safe}</a>' if is_link else safe)
        words.append(" ".join(parts))
    return "\n".join(words)


def _one_mail(number: str) -> Answer:
    mails = pump.outbox()
    if not number.isdecimal() or int(number) >= len(mails):
        return _json_answer({"error": "no such mail"}, 404)
    html = f'<base target="_top">{mails[int(number)]["html"] or ""}'
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", MAIL_POLICY)]
    return Answer(200, [*headers, ("Cache-Control", "no-store")], html.encode())
