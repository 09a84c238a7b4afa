"""Sign-up of practices, and the first-run checklist of a new one."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, PUBLIC, Routes
from chalicelib.handlers.staff import Licence, Name
from chalicelib.handlers.tenants import Country, OrganizationName, Phone, Zone
from chalicelib.handlers.views import Body, PortalView, View
from chalicelib.policies.plans import TRIAL_DAYS
from chalicelib.services import openings
from chalicelib.services.sessions import Caller

public = Routes(__name__, PUBLIC)
practice = Routes(__name__ + ".practice", PRACTICE, "/practice")


class SignUpOffer(PortalView):
    """Whether practices can sign up here, and for how many days they may try everything."""

    open: bool
    trial_days: int


class SlugAsked(Body):
    """A name for an organization's address; or the practice's own name, of which one is made."""

    slug: Annotated[str, Field(max_length=80)] | None = None
    name: Annotated[str, Field(max_length=100)] | None = None


class SlugView(PortalView):
    """Whether a name can be taken; `reason` says why not. Nothing else is told of whose it is."""

    slug: str
    free: bool
    reason: Literal["shape", "taken"] | None


class PracticeSignUp(Body):
    """A new practice and its first administrator. `key`: a random secret of the page, the same when it tries again."""

    key: str = Field(pattern=r"^[A-Za-z0-9_-]{32,64}$")
    slug: str = Field(min_length=1, max_length=63)
    name: OrganizationName
    zone: Zone
    country: Country
    phone: Phone
    administrator: Name
    credentials: Licence | None = None
    also_therapist: bool = False
    email: str = Field(min_length=3, max_length=254)


class PracticeMailAgain(PracticeSignUp):
    """What was sent to sign up, unchanged, and the address that the mail should go to. `attempt`: a random secret of
    the page, the same when it tries again."""

    attempt: str = Field(pattern=r"^[A-Za-z0-9_-]{32,64}$")
    to: str = Field(min_length=3, max_length=254)


class SignedUp(PortalView):
    """The mail with the link that confirms it is on its way. It says nothing that was not sent."""

    slug: str
    hours: int


@public.endpoint("GET", "/practice-sign-up", action="tenant:sign_up")
def read_sign_up_offer(context: None, caller: Caller) -> SignUpOffer:
    """Whether practices can sign up here"""
    return SignUpOffer(open=settings.practice_sign_up, trial_days=TRIAL_DAYS)


@public.endpoint("POST", "/practice-sign-up/slug", action="tenant:sign_up", body=SlugAsked)
def check_slug(context: None, body: SlugAsked, caller: Caller) -> SlugView:
    """Whether a name for the address is free, or one made of the practice's name"""
    slug = body.slug if body.slug is not None else openings.suggestion(body.name or "")
    reason = openings.check(slug, caller)
    return SlugView(slug=slug, free=reason is None, reason=reason)


@public.endpoint("POST", "/practice-sign-up", action="tenant:sign_up", body=PracticeSignUp, status=202)
def sign_up_practice(context: None, body: PracticeSignUp, caller: Caller) -> SignedUp:
    """Open an organization on trial; its first administrator gets a link by mail"""
    told = body.model_dump(exclude={"key"})
    openings.sign_up(openings.Practice(**(told | {"credentials": body.credentials or None})), body.key, caller)
    return SignedUp(slug=body.slug, hours=72)


@public.endpoint("POST", "/practice-sign-up/mail", action="tenant:sign_up", body=PracticeMailAgain, status=202)
def mail_practice_again(context: None, body: PracticeMailAgain, caller: Caller) -> SignedUp:
    """Mail the link again, to a corrected address perhaps; the answer tells nothing"""
    told = body.model_dump(exclude={"key", "to", "attempt"})
    practice = openings.Practice(**(told | {"credentials": body.credentials or None}))
    openings.mail_again(practice, body.key, body.to, body.attempt, caller)
    return SignedUp(slug=body.slug, hours=72)


# ---- the first steps ----


class FirstStep(View):
    """A step from an empty organization to the first signed form."""

    step: Literal["profile", "brand", "staff", "client", "forms", "invitation", "signed"]
    done: bool


class FirstSteps(View):
    """The first-run checklist, in order; empty once it was dismissed."""

    steps: list[FirstStep]
    dismissed: bool


class StepDone(Body):
    """`forms`: the forms were looked at. `dismissed`: the list is not wanted any more."""

    step: Literal["forms", "dismissed"]


@practice.endpoint("GET", "/first-steps", action="first_steps:read")
def read_first_steps(context: Context) -> FirstSteps:
    """How far a new organization has come"""
    return _steps(context)


@practice.endpoint("POST", "/first-steps", action="first_steps:update", body=StepDone)
def finish_first_step(context: Context, body: StepDone) -> FirstSteps:
    """Note a step that no record shows"""
    openings.note_step(context, body.step)
    return _steps(context)


def _steps(context: Context) -> FirstSteps:
    steps = openings.first_steps(context)
    return FirstSteps(steps=[FirstStep(step=name, done=done) for name, done in steps.items()], dismissed=not steps)
