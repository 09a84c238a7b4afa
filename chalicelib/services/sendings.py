"""Forms for clients who have an account: sent, taken back, settled by staff, asked again (DOMAIN.md 4.2 to 4.6).

send ─▶ open packet ─ the client signs ─▶ completed
           ├ take back: what is signed stays, what was typed is erased
           └ record: signed on paper, or why a notice was not acknowledged (45 CFR 164.520(c)(2)(ii))
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from chalicelib import clock
from chalicelib.adapters import keys
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import (
    AccessEnded,
    AlreadySigned,
    Busy,
    ClientArchived,
    IntakeClosed,
    IntakeRevoked,
    InvalidBody,
    InvitationOpen,
    NoAccount,
    NotFound,
    NothingToSend,
    NotNotice,
    PortalError,
)
from chalicelib.models.clients import Client
from chalicelib.models.forms import Form
from chalicelib.models.intakes import Intake, IntakeForm, Pace, Receipt
from chalicelib.models.jobs import Job
from chalicelib.models.table import Page
from chalicelib.models.transaction import Transaction
from chalicelib.observability import logger, where
from chalicelib.services import (
    accounts,
    audits,
    clients,
    documents,
    forms,
    idempotency,
    intakes,
    jobs,
    letters,
    mails,
    reminders,
    uploads,
)

ERASE_AGAIN = timedelta(minutes=2)
ASK_AGAIN = "ask_again"  # the job
BULK_MOST = 5000


# ---- may forms be sent to this client? ----


def obstacle(client: Client) -> PortalError | None:
    """Why no forms can be sent to this client, or None. Whether sending is on at all is the policy's to say."""
    if client.status != "active":
        return ClientArchived()
    if client.portal == "ended":
        return AccessEnded()
    return None if client.portal == "active" else NoAccount()


def open_forms(tenant_id: str, client_id: str) -> set[str]:
    """The forms that are waiting for the client in some packet."""
    packets = [each for each in _packets(tenant_id, client_id) if each.status == "open"]
    begun = intakes.states(packets)
    return {form_id for packet in packets for form_id in waiting(packet, begun[packet.intake_id])}


def _packets(tenant_id: str, client_id: str) -> list[Intake]:
    return list(Intake.every(Intake.KEY, consistent=True, tenant_id=tenant_id, client_id=client_id))


def waiting(packet: Intake, begun: Sequence[IntakeForm]) -> list[str]:
    """The forms of an open packet that the client can still sign, in order."""
    over = {form.form_id for form in begun if form.status != "started"}
    return [entry["form_id"] for entry in packet.forms if entry["form_id"] not in over]


# ---- Send New Forms ----


class Sent(NamedTuple):
    """A packet that was sent, and the picked forms that were left out because they are open already."""

    intake: Intake
    left_out: list[str]


def send(context: Context, picked: Sequence[Form], note: str | None) -> Sent:
    """Send forms to a client who has an account: one packet, one mail that says that there is something new.

    A form that is open with the client is left out, under any race. Raises ClientArchived, NoAccount, AccessEnded,
    NothingToSend, TooManyRequests, Busy.
    """
    client: Client = context.client
    if context.result:
        found = intakes.get(context, context.result)
        kept = {entry["form_id"] for entry in found.forms}
        return Sent(found, [form.title for form in picked if form.form_id not in kept])
    _slow_down(context, client.client_id)
    for _ in range(intakes.TRIES):
        try:
            return _send(context, client, picked, note)
        except _Crossed:
            client = clients.find(context.tenant_id, client.client_id)
    raise Busy(retry_after=1)


class _Crossed(PortalError):
    """Something else was sent to this client at the same moment: look again at what is open."""


def _slow_down(context: Context, client_id: str) -> None:
    """So many packets a day to one client, and so many from one organization."""
    seconds = context.now.timestamp()
    accounts.throttle(context.tenant_id, settings.limit("packets_client"), seconds, "packets", client_id)
    accounts.throttle(context.tenant_id, settings.limit("packets_tenant"), seconds, "packets")


def _send(
    context: Context, client: Client, picked: Sequence[Form], note: str | None, finish: jobs.Finish | None = None
) -> Sent:
    if refused := obstacle(client):
        raise refused
    place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": client.client_id}
    pace = Pace.find(**place)  # before what is open: a sending in between is seen by the one or the other
    already = open_forms(context.tenant_id, client.client_id)
    fresh = [form for form in picked if form.form_id not in already]
    if not fresh:
        raise NothingToSend()
    intake = intakes.packet(context, client, fresh, note)
    reminders.schedule(intake, context.tenant)
    mail = mails.to_client(
        context.now, context.tenant_id, client.client_id, letters.FORMS_SENT, intake_id=intake.intake_id
    )
    with Transaction() as tx:
        idempotency.remember(tx, context, intake.intake_id)
        _take_turn(tx, place, pace)
        tx.require(client, (Client.portal == "active") & (Client.status == "active"), otherwise=_Crossed())
        tx.create(intake)
        tx.create(mail)
        tx.create(audits.event(context, "intake:send", client_id=client.client_id, intake_id=intake.intake_id))
        if finish is not None:
            finish(tx, intake.intake_id)
    mails.hand_over(mail)
    return Sent(intake, [form.title for form in picked if form not in fresh])


def _take_turn(tx: Transaction, place: dict[str, str], seen: Pace | None) -> None:
    sendings = int(seen.sendings or 0) if seen is not None else 0
    mine = Pace.sendings == sendings if sendings else Pace.sendings.does_not_exist()
    tx.merge(Pace.new(**place), *reminders.identity(place), Pace.sendings.set(sendings + 1), when=mine,
             otherwise=_Crossed())  # fmt: skip


# ---- taking back ----

Settled = tuple[Intake, list[IntakeForm]]  # a packet, and the state of its forms


def take_back(context: Context, intake_id: str, form_id: str | None) -> Settled:
    """Take back one form of a packet, or all that is not signed (None). What is signed stays; what was typed is erased.

    Against a signature at the same moment there is one outcome. Raises AlreadySigned, IntakeClosed, InvitationOpen,
    NotFound, Busy.
    """
    intakes.get(context, intake_id)  # NotFound comes before any state
    if context.client.portal == "invited":
        raise InvitationOpen()
    return _again_and_again(lambda: _take_back(context, intake_id, form_id))


def _take_back(context: Context, intake_id: str, form_id: str | None) -> Settled:
    intake, parts = _as_it_is(context, intake_id)
    by_id = {part.form_id: part for part in parts}
    if form_id is not None:
        _require_in(intake, form_id)
        taken = [form_id] if _may_settle(by_id.get(form_id), "revoked") else []
    else:
        taken = waiting(intake, parts) if intake.status == "open" else []
        if not taken and not any(part.status == "revoked" for part in parts):
            raise IntakeClosed()
    if not taken:
        return intake, parts
    with Transaction() as tx:
        begun = _settle(tx, context, intake, parts, dict.fromkeys(taken, "revoked"))
        tx.create(
            audits.event(context, "intake:revoke", client_id=context.client_id, intake_id=intake_id, form_id=form_id)
        )
    _erase(begun)
    return _as_it_is(context, intake_id)


def _may_settle(form: IntakeForm | None, status: str) -> bool:
    """Whether there is something to settle; False: it stands so already. Raises AlreadySigned, IntakeClosed."""
    if form is None or form.status == "started":
        return True
    if form.status == status:
        return False
    raise AlreadySigned() if form.status in intakes.SIGNED else IntakeClosed()


def _require_in(intake: Intake, form_id: str) -> dict[str, Any]:
    for entry in intake.forms:
        if entry["form_id"] == form_id:
            return dict(entry)
    raise NotFound()


def _as_it_is(context: Context, intake_id: str) -> Settled:
    intake = Intake.find(tenant_id=context.tenant_id, client_id=context.client_id, intake_id=intake_id)
    if intake is None:
        raise NotFound()
    return intake, intakes.forms_of(intake)


def _again_and_again(act: Callable[[], Settled]) -> Settled:
    for _ in range(intakes.TRIES):
        try:
            return act()
        except _Beside:
            continue
    raise Busy(retry_after=1)


class _Beside(PortalError):
    """A form of this packet was signed, sealed or settled at the same moment: look again."""


def _settle(
    tx: Transaction,
    context: Context,
    intake: Intake,
    parts: Sequence[IntakeForm],
    outcomes: dict[str, str],
    **more: Any,
) -> list[IntakeForm]:
    """Within a transaction: give these forms their outcome, and the packet its end if this was the last; what is begun
    of them is returned, to be erased after the commit."""
    at = clock.text(context.now)
    by_id = {part.form_id: part for part in parts}
    told = {"settled_at": at, "settled_by_name": context.actor.name, **more}
    begun = []
    for form_id, status in outcomes.items():
        seen = by_id.get(form_id)
        if seen is None:
            form = IntakeForm.new(**intakes.place_of(intake), form_id=form_id, status=status, **told)
            tx.put(form, when=IntakeForm.pk.does_not_exist(), otherwise=_Beside())
            continue
        tx.update(
            seen,
            IntakeForm.status.set(status),
            *seen.due_next(context.now + ERASE_AGAIN),
            IntakeForm.position.remove(),
            IntakeForm.done.remove(),
            IntakeForm.saved_at.remove(),
            *(getattr(IntakeForm, name).set(value) for name, value in told.items()),
            when=IntakeForm.status == "started",
            otherwise=_Beside(),
        )
        begun.append(seen)
    standing = {form.form_id: str(form.status) for form in parts} | outcomes
    end = _end([standing.get(entry["form_id"], "to_do") for entry in intake.forms])
    ended = [Intake.status.set(end), Intake.completed_at.set(at), *intakes.closing(intake)] if end != "open" else []
    tx.update(
        intake,
        Intake.version.set(intakes.count(intake) + 1),
        *ended,
        when=intakes.unchanged(intake) & (Intake.status == "open"),
        otherwise=_Beside() if intake.status == "open" else IntakeClosed(),
    )
    return begun


def _end(states: Sequence[str]) -> str:
    """What a packet of forms in these states is."""
    if any(state in ("to_do", "started", "signed") for state in states):
        return "open"
    return "revoked" if all(state == "revoked" for state in states) else "completed"


def _erase(begun: Sequence[IntakeForm]) -> None:
    """After the commit. If this fails, what is due finds it."""
    for form in begun:
        try:
            intakes.erase(form)
        except Exception as error:
            logger.warning("answers_not_erased", error=where(error))


# ---- signed on paper ----


class Paper(NamedTuple):
    """What stands on the paper: who signed, as what, on which day."""

    signed_by: str
    relationship: str
    signed_on: str


def on_paper(context: Context, form_id: str, intake_id: str | None, paper: Paper, upload_id: str) -> Settled:
    """File the scan of a form that was signed on paper under General Documents; the form counts as done, in its packet
    or (None) in one of its own.

    Raises InvalidBody for a day that cannot be, UploadNotReady, UploadUsed, AlreadySigned, IntakeClosed, NotFound,
    Busy.
    """
    if context.result:
        return _as_it_is(context, context.result)
    day = require_day(paper.signed_on, clock.today(context.tenant.zone), "/signed_on")
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(context.tenant.zone))
    try:
        upload = uploads.clean(context, upload_id, uploads.PAPER_FORM)
    except NotFound:
        detail = "This is no scan that was sent for this client."
        wrong = [{"pointer": "/upload_id", "code": "unknown_upload", "detail": detail}]
        raise InvalidBody(errors=wrong) from None

    def file(tx: Transaction, intake: Intake) -> dict[str, Any]:
        entry = _require_in(intake, form_id)
        scan = documents.from_upload(
            upload,
            context.now,
            category="signed_paper",
            title=f"{entry['title']} (on paper)",
            shared=True,
            intake_id=intake.intake_id,
            form_id=form_id,
            form_version=entry["version"],
            signed_by=paper.signed_by,
            signed_at=clock.text(noon),
        )
        uploads.use(tx, upload)
        tx.create(scan)
        return {"document_id": scan.document_id}

    return record(context, form_id, intake_id, "paper", paper._asdict(), file)


# ---- a notice that was not acknowledged ----


def not_acknowledged(context: Context, form_id: str, intake_id: str | None, reason: str, note: str) -> Settled:
    """Write down why a notice was not acknowledged, in its packet or (None) in one of its own (DOMAIN.md 4.6).

    Raises NotNotice, AlreadySigned, IntakeClosed, NotFound, Busy.
    """
    if context.result:
        return _as_it_is(context, context.result)
    if forms.get(context.tenant_id, form_id).purpose != forms.NOTICE:
        raise NotNotice()
    words = {"reason": reason, "note": note}
    return record(context, form_id, intake_id, "unobtained", words)


def record(
    context: Context,
    form_id: str,
    intake_id: str | None,
    outcome: str,
    words: dict[str, Any],
    beside: Callable[[Transaction, Intake], dict[str, Any]] = lambda tx, intake: {},
) -> Settled:
    """Staff settle a form themselves: `words` are kept encrypted; `beside` writes what belongs to it, and says what
    else the form's record is to hold."""
    return _again_and_again(lambda: _record(context, form_id, intake_id, outcome, words, beside))


def _record(
    context: Context,
    form_id: str,
    intake_id: str | None,
    outcome: str,
    words: dict[str, Any],
    beside: Callable[[Transaction, Intake], dict[str, Any]],
) -> Settled:
    intake, parts = _as_it_is(context, intake_id) if intake_id else (_own_packet(context, form_id), [])
    _require_in(intake, form_id)
    if not _may_settle(next((part for part in parts if part.form_id == form_id), None), outcome):
        raise IntakeClosed()
    if intake.status == "revoked":
        raise IntakeRevoked()
    at = clock.text(context.now)
    receipt = intakes.receipt(intake, form_id, outcome, at)
    place = IntakeForm.at(**intakes.place_of(intake), form_id=form_id).sk
    begun: list[IntakeForm] = []
    with Transaction() as tx:
        idempotency.remember(tx, context, intake.intake_id)
        more = {"why": keys.encrypt(context.tenant_id, words, place), **beside(tx, intake)}
        if intake_id:
            begun = _settle(tx, context, intake, parts, {form_id: outcome}, **more)
        else:
            told = {"settled_at": at, "settled_by_name": context.actor.name, **more}
            tx.create(intake)
            tx.create(IntakeForm.new(**intakes.place_of(intake), form_id=form_id, status=outcome, **told))
        if receipt is not None:
            intakes.keep_receipt(tx, receipt, otherwise=_Beside())
        about = {"intake_id": intake.intake_id, "form_id": form_id, "what": outcome}
        tx.create(audits.event(context, "intake:record", client_id=context.client_id, **about))
    _erase(begun)
    return _as_it_is(context, intake.intake_id)


def _own_packet(context: Context, form_id: str) -> Intake:
    """A packet for what happened outside the portal: it is complete from the start, and nobody is asked anything."""
    form = forms.get(context.tenant_id, form_id)
    if not form.newest:
        raise NotFound()
    intake = intakes.packet(context, context.client, [form])
    intake.status, intake.completed_at = "completed", clock.text(context.now)
    intake.gsi2pk = intake.gsi2sk = None
    return intake


def why(form: IntakeForm) -> dict[str, Any]:
    """What staff wrote down: {reason, note} of a notice, or who signed on paper and when."""
    found: dict[str, Any] = keys.decrypt(form.tenant_id, form.why, form.sk) if form.why else {}
    return found


def require_day(text: str, today: date, pointer: str) -> date:
    """A day that is not in the future. Raises InvalidBody."""
    try:
        day = date.fromisoformat(text)
        if date(1900, 1, 1) <= day <= today:
            return day
    except ValueError:
        pass
    detail = "Enter the day on the paper. It cannot be in the future."
    raise InvalidBody(errors=[{"pointer": pointer, "code": "invalid_date", "detail": detail}])


# ---- a new version of a notice: ask again ----


def outdated(context: Context, form_id: str, limit: int, cursor: str | None) -> Page:
    """The receipts of clients who know only an older version of a notice, oldest version first. Raises NotNotice."""
    form = _notice(context, form_id)
    about: dict[str, Any] = {"tenant_id": context.tenant_id, "form_id": form_id}
    page = Receipt.page(Receipt.BY_VERSION, limit=limit, cursor=cursor, newest_first=False, **about)
    older = [each for each in page.items if each.number < forms.number_of(form.newest)]
    return Page(older, page.next_cursor if len(older) == len(page.items) else None)


def _notice(context: Context, form_id: str) -> Form:
    form = forms.get(context.tenant_id, form_id)
    if form.purpose != forms.NOTICE:
        raise NotNotice()
    return form


def ask_again(context: Context, form_id: str, client_ids: Sequence[str] | None) -> Job:
    """Send the newest version of a notice to those who know only an older one (all, or these): a job."""
    if context.result:
        return jobs.get(context, context.result)
    _notice(context, form_id)
    found: list[str] = []
    cursor: str | None = None
    while len(found) < BULK_MOST:
        page = outdated(context, form_id, 200, cursor)
        found += [each.client_id for each in page.items]
        if (cursor := page.next_cursor) is None:
            break
    wanted = found if client_ids is None else [each for each in found if each in set(client_ids)]
    return jobs.start(context, ASK_AGAIN, {"form_id": form_id}, [{"client_id": each} for each in wanted[:BULK_MOST]])


def ask_one_again(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one item of that job."""
    client = clients.find(context.tenant_id, task.about["client_id"])
    reminders.require_allowed(context, "intake:send_many", client)
    form = _notice(context, task.shared["form_id"])
    if form.status != "active":
        raise jobs.Skip("form_archived")
    known = Receipt.find(tenant_id=context.tenant_id, client_id=client.client_id, form_id=form.form_id)
    if known is not None and known.number >= forms.number_of(form.newest):
        raise jobs.Skip("known_already")
    context.client = client
    try:
        _send(context, client, [form], None, finish)
    except (ClientArchived, NoAccount, AccessEnded, NothingToSend) as refused:
        raise jobs.Skip(refused.code) from None
    except _Crossed:
        raise Busy(retry_after=1) from None


def standing(parts: Sequence[IntakeForm], intake: Intake) -> tuple[int, int]:
    """How many forms of a packet are done, and of how many: all that staff are told of one that is under way."""
    over = {part.form_id: part.status for part in parts}
    counted = [entry["form_id"] for entry in intake.forms if over.get(entry["form_id"]) != "revoked"]
    return sum(over.get(form_id, "started") != "started" for form_id in counted), len(counted)
