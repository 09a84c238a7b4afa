"""Organization > API Tokens: what programs of the organization sign in with."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import Body, Line, View
from chalicelib.policies.scopes import Scope
from chalicelib.services import sessions, tokens

practice = Routes(__name__, PRACTICE, "/practice")


class ApiTokenIn(Body):
    """A token to be made. It ends after `days`."""

    name: Annotated[Line, Field(min_length=1, max_length=80)]
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    days: int = Field(default=tokens.DAYS, ge=1, le=tokens.DAYS_MOST)


class ApiTokenView(View):
    """A token. `stopped`: for good, with the account of whoever made it. `used_at` is exact to a minute or so."""

    token_id: str
    name: str
    scopes: list[Scope]
    status: Literal["active", "expired", "revoked", "stopped"]
    created_at: str
    created_by_name: str
    ends_at: str
    used_at: str | None
    revoked_at: str | None


class NewApiToken(ApiTokenView):
    """A token that was just made. `token` is its text, told this once."""

    token: str


class ApiTokenList(View):
    """The organization's tokens, newest first: those in use, and those that ended within 90 days. `most`: how many
    may be in use at once."""

    items: list[ApiTokenView]
    most: int


@practice.endpoint("GET", "/tokens", action="token:read")
def list_api_tokens(context: Context) -> ApiTokenList:
    """API tokens of the organization"""
    found = tokens.listed(context)
    return ApiTokenList(items=[_view(each) for each in found], most=settings.limit("tokens")[0])


@practice.endpoint("POST", "/tokens", action="token:create", body=ApiTokenIn, status=201, proof=sessions.RECENT)
def create_api_token(context: Context, body: ApiTokenIn) -> NewApiToken:
    """Make an API token

    Its text is in this answer and nowhere else. Sent twice, two tokens are made; revoke the one that is not needed.
    """
    made, text = tokens.create(context, body.name, body.scopes, body.days)
    return NewApiToken(**dict(_view(made)), token=text)


@practice.endpoint("POST", "/tokens/{token_id}/revoke", action="token:revoke")
def revoke_api_token(context: Context, token_id: str) -> ApiTokenView:
    """Revoke an API token; it opens nothing from the next request on"""
    return _view(tokens.revoke(context, token_id))


def _view(listed: tokens.Listed) -> ApiTokenView:
    token = listed.token
    return ApiTokenView(
        token_id=token.token_id,
        name=listed.name,
        scopes=[Scope(each) for each in token.scopes if each in set(Scope)],
        status=listed.status,
        created_at=token.created_at,
        created_by_name=listed.created_by_name,
        ends_at=token.ends_at,
        used_at=token.used_at,
        revoked_at=token.revoked_at,
    )
