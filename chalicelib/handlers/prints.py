"""Printing: invoices, receipts, statements and superbills as PDF, for clients and for staff."""

from typing import Any, Literal

from pydantic import model_validator

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.views import Body, Day, Id, PortalView
from chalicelib.models.invoices import Print
from chalicelib.services import prints

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")

_NEEDS = {
    "invoice": {"invoice_id"},
    "superbill": {"invoice_id"},
    "receipt": {"payment_id"},
    "statement": {"first_day", "last_day"},
}


class SheetIn(Body):
    """What to print: an invoice or superbill (`invoice_id`), a receipt (`payment_id`), or a statement (two days)."""

    what: Literal["invoice", "receipt", "statement", "superbill"]
    invoice_id: Id | None = None
    payment_id: Id | None = None
    first_day: Day | None = None
    last_day: Day | None = None

    @model_validator(mode="after")
    def _whole(self) -> "SheetIn":
        if set(self.about()) != _NEEDS[self.what]:
            raise ValueError("not what this is made of")
        return self

    def about(self) -> dict[str, str]:
        """What was sent besides."""
        return self.model_dump(exclude={"what"}, exclude_none=True)


class SheetView(PortalView):
    """A sheet. Ask again until it is ready; the link then works for two minutes."""

    sheet_id: str
    what: str
    status: Literal["making", "ready"]
    url: str | None
    expires_at: str | None


@portal.endpoint("POST", "/prints", action="invoice:read", body=SheetIn, status=202)
def print_mine(context: Context, body: SheetIn) -> SheetView:
    """Have a PDF made of an invoice, receipt, statement or superbill of mine"""
    return _asked(prints.ask(context, body.what, body.about()))


@portal.endpoint("GET", "/prints/{sheet_id}", action="invoice:read")
def read_my_print(context: Context, sheet_id: str) -> SheetView:
    """A PDF that I asked for"""
    return _shown(context)


@practice.endpoint("POST", "/clients/{client_id}/prints", action="invoice:read", body=SheetIn, status=202)
def print_for_client(context: Context, client_id: str, body: SheetIn) -> SheetView:
    """Have a PDF made of a client's invoice, receipt, statement or superbill"""
    return _asked(prints.ask(context, body.what, body.about()))


@practice.endpoint("GET", "/clients/{client_id}/prints/{sheet_id}", action="invoice:read", reads_record=True)
def read_client_print(context: Context, client_id: str, sheet_id: str) -> SheetView:
    """A PDF that was asked for"""
    return _shown(context)


def _asked(record: Print) -> SheetView:
    return SheetView(**_fields(record), url=None, expires_at=None)


def _shown(context: Context) -> SheetView:
    record, url, until = prints.link(context)
    return SheetView(**_fields(record), url=url, expires_at=clock.text(until) if until else None)


def _fields(record: Print) -> dict[str, Any]:
    return {"sheet_id": record.sheet_id, "what": record.what, "status": record.status}
