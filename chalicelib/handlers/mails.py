"""What was mailed to a client and what became of it; the login link; an address that may be written to again."""

from typing import Literal

from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import Body, Empty, Paging, View
from chalicelib.models.mails import ClientMail
from chalicelib.services import login_links, mails, suppressions

practice = Routes(__name__, PRACTICE, "/practice")

Delivery = Literal[
    "queued", "sent", "delayed", "delivered", "deferred", "failed", "suppressed", "bounced", "complained", "cancelled"
]


class News(View):
    """Something that became of a mail, and when we first heard of it."""

    delivery: Delivery
    at: str


class MailView(View):
    """A mail to the client: what it was, and what became of it. The worst news is its `delivery`."""

    mail_id: str
    template: str
    created_at: str | None
    held_until: str | None
    delivery: Delivery
    news: list[News]

    @classmethod
    def of(cls, mail: ClientMail) -> "MailView":
        """The view of a mail of the outbox."""
        return cls(
            mail_id=mail.mail_id,
            template=mail.template,
            created_at=mail.created_at,
            held_until=mail.held_until,
            delivery=mail.delivery or ("sent" if mail.status == "sent" else "queued"),
            news=news_of(mail.news),
        )


def news_of(stored: dict[str, str] | None) -> list[News]:
    """The news of a mail in the order in which they came."""
    return [News(delivery=each, at=at) for each, at in sorted((stored or {}).items(), key=lambda one: one[1])]


class MailPage(View):
    """Some mails to a client, newest first."""

    items: list[MailView]
    next_cursor: str | None


class TryAgain(Body):
    """`asked`: the person asked to be written to again; after a complaint an administrator must have heard that."""

    asked: bool = False


@practice.endpoint("GET", "/clients/{client_id}/mails", action="mail:read", query=Paging, reads_record=True)
def list_mails(context: Context, client_id: str, query: Paging) -> MailPage:
    """What was mailed to a client and what became of it"""
    page = mails.of_client(context, query.limit, query.cursor)
    return MailPage(items=[MailView.of(each) for each in page.items], next_cursor=page.next_cursor)


@practice.endpoint("POST", "/clients/{client_id}/login-link", action="login_link:send", status=201, idempotent=True)
def send_login_link(context: Context, client_id: str) -> MailView:
    """Mail the sign-in page to a client who forgot it"""
    return MailView.of(login_links.send(context))


@practice.endpoint("POST", "/clients/{client_id}/address/retry", action="suppression:clear", body=TryAgain, status=204)
def retry_address(context: Context, client_id: str, body: TryAgain) -> Empty:
    """The address was mended: it may be written to again"""
    suppressions.clear(context, body.asked)
    return Empty()
