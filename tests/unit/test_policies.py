"""Who may do what: the policy table against an oracle written from DOMAIN.md's sentences, not from the table."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from chalicelib.context import Context
from chalicelib.handlers import routing
from chalicelib.handlers.routing import BOTH, PORTAL, PRACTICE, PUBLIC, Routes
from chalicelib.handlers.views import Body, Empty, PortalView, View
from chalicelib.policies import plans
from chalicelib.policies.decide import Denial, Facts, denial
from chalicelib.policies.plans import PLANS, Circumstances, Feature, Off, Standing, why_off
from chalicelib.policies.rules import RULES, Reach, Role
from chalicelib.policies.scopes import SCOPES, Scope, opens, scope_of
from chalicelib.services import sessions

ADMINISTRATOR, THERAPIST, CLIENT, CONTACT = Role

# ---- the oracle: DOMAIN.md's sentences, by what an action is about ----

# Before there is a session: the login link, a mailed link, a file that anyone may check, a feed by its secret address
# (3.5, 3.8, 4.5, 5.5).
WITHOUT_SESSION = {
    "account:confirm_email", "account:recover", "api:describe", "feed:read", "invite:look_up", "invite:redeem",
    "invite:renew", "seal:verify", "session:create", "signup:begin", "signup:confirm", "signup:look_up", "signup:send",
    "staff_invite:look_up", "staff_invite:redeem", "tenant:look_up", "tenant:sign_up",
    "payment:guest", "payment:told",  # a one-time guest pay link (7.4); Stripe, under its signature (7.5)
}  # fmt: skip
# 1.2 "Administrators, and therapists who were given the permission, send portal invitations and intake forms";
# "the holder invites, resends, revokes and sends forms only for clients assigned to them."
# An address that is written to again is one to which they may send.
BY_PERMISSION = {
    "intake:remind", "intake:revoke", "intake:send", "invite:send", "invite:revoke", "suppression:clear",
}  # fmt: skip
# 3.8 "staff can e-mail it to a client who forgot. It carries no secret."; 3.5 "Delivery state is shown".
# 1.5 "kept securely by the practice, for assigned staff only"; 1.3 "therapists … open completed intakes".
# Issue 6: "Invoices by staff with the billing permission", which an administrator gives per staff member as 1.2's, and
# which reaches assigned clients as that does.
BY_BILLING = {"credit:apply", "invoice:begin", "invoice:manage", "ledger:record", "pay_link:make"}
STAFF_ABOUT_A_CLIENT = {
    "appointment:begin", "appointment:manage", "appointment:read",
    "client:contact", "client:read", "client:settle_flag", "document:download", "document:read", "document:share",
    "document:verify", "intake:read", "intake:record", "intake:summarize", "invite:read", "login_link:send",
    "mail:read", "upload:add", "upload:finish", "upload:read",
    "invoice:read", "payment:read",  # 7.1: therapists are told of payments of their clients
}  # fmt: skip
# 6.2 the contact log is the practice's; 6.1 "between therapists and their assigned clients, and administrators and any
# client with an account".
STAFF_ABOUT_A_CLIENT |= {"contact_log:add", "contact_log:read", "message:draft", "message:read", "message:send"}
# 6.5 "An administrator does not read a therapist's threads": what is about a thread is its participants' alone.
PARTICIPANTS_ONLY = {"message:draft", "message:read", "message:send"}
# Staff see the practice's own things, and lists that hold only whom they may see.
STAFF_ABOUT_THE_PRACTICE = {
    "client:list", "form:read", "intake:list", "offer:read", "organization:read", "settings:read",
    "wording:read",
    "message:list", "message:send_many",  # one's own threads; and each client by message:send
}  # fmt: skip
# 2.2 "the administrator switched it on"; 1.2 "Bulk invitation is for administrators", and so is what became of it.
# 1.2 "given per staff member by an administrator"; 2.3 seats; issue 3: assignments, plan, staff, the first steps.
ADMINISTRATORS_ONLY = {
    "client:assign", "first_steps:read", "first_steps:update", "job:read", "job:stop", "organization:update",
    "settings:update", "staff:invite", "staff:read", "staff:update", "subscription:read", "subscription:update",
}  # fmt: skip
# 3.6 "a review queue, where staff invite the existing file or accept the new person": a new person is assigned to
# nobody, and 1.2's permission reaches assigned clients only, so the queue and its answers are the administrators'.
ADMINISTRATORS_ONLY |= {"signup:accept", "signup:link", "signup:read", "signup:reject"}
# Files are the administrators' to keep; an assigned therapist keeps how the client is reached right (client:contact).
ADMINISTRATORS_ONLY |= {"client:archive", "client:create", "client:end_access", "client:import", "client:update"}
# The words and the sender are the organization's.
ADMINISTRATORS_ONLY |= {"invite:bulk", "sender:read", "wording:update"}
# Any other bulk; 4.3 "Administrators edit and build forms".
ADMINISTRATORS_ONLY |= {"form:publish", "form:update", "intake:remind_many", "intake:send_many"}
# 5.2 What is offered, and where.
ADMINISTRATORS_ONLY |= {"offer:update"}
# Tokens reach the organization's clients, so whoever has them all makes and ends them.
ADMINISTRATORS_ONLY |= {"token:create", "token:read", "token:revoke"}
# Issue 6: the organization's account at Stripe, its books and its exports.
ADMINISTRATORS_ONLY |= {"billing:export", "billing:read", "card_processing:update"}
# 6.5 "except by break-glass with a stated reason, which is audited and announced".
ADMINISTRATORS_ONLY |= {"message:open"}
# Issue 3: suspended means "nothing new is begun or sent": what names no feature, and mails somebody who is not there
# yet, brings a file, books a time, or lets a program in. What was begun is finished.
BEGINS = {
    "appointment:begin", "client:create", "client:import", "group:begin", "invoice:begin", "staff:invite",
    "token:create", "upload:add",
}  # fmt: skip
# 1.7 "Each staff member sets their own availability … An administrator may set it for them."
# 5.3, 5.4 A group is in one therapist's calendar, and about several clients: its address names the therapist.
OWN_OR_BY_ADMINISTRATORS = {
    "availability:read", "availability:update", "calendar:read", "group:begin", "group:manage", "group:read",
}  # fmt: skip
# 4.5 "the client can always download their own copy"; DESIGN: one's own record is never gated.
# A client sends papers (an insurance card) for their own file.
CLIENTS_OWN = {
    "appointment:read",
    "document:download", "document:read", "document:verify", "intake:read", "profile:read", "profile:update",
    "upload:add", "upload:finish", "upload:read",
    "card:manage", "credit:apply", "invoice:read", "payment:cancel", "payment:read",  # 1.4, 7.3; credit on request
}  # fmt: skip
# 4.2 "electronically signed", by the client alone (CVE-2026-24890: nobody signs for anybody else).
# 5.1 "Therapists let clients self-schedule"; 5.3 staff propose, the client answers.
# 1.4 clients "secure messages", of their own.
CLIENTS_OWN |= {"message:draft", "message:list", "message:read", "message:send"}
CLIENTS_OWN_WORK = {"appointment:answer", "appointment:book", "intake:complete", "slot:read"}
# 7.1, 7.4: paying, paying by itself, and having somebody else pay.
CLIENTS_OWN_WORK |= {"autopay:update", "pay_link:make", "payment:start"}
# Everyone with a session has one, and a home.
ANYONE_SIGNED_IN = {
    "account:read", "account:update", "feed:manage", "home:read", "session:end", "session:extend", "session:list",
    "session:prove", "session:read",
}  # fmt: skip
STAFF_OWN = {"notification:read", "notification:update"}
# 2: what depends on a feature being on. Taking back, reading and what is one's own does not, nor finishing a form that
# was sent ("hides nothing that is already on record"). Picking forms does: tests/integration/test_invitations.py
# What was booked can be taken back, and what was offered be taken, whatever was switched off since.
NEEDS = {
    "appointment:book": Feature.SELF_SCHEDULING,
    "intake:remind": Feature.INTAKE_FORMS,
    "intake:remind_many": Feature.INTAKE_FORMS,
    "intake:send": Feature.INTAKE_FORMS,
    "intake:send_many": Feature.INTAKE_FORMS,
    "invite:bulk": Feature.INVITATIONS,
    "invite:send": Feature.INVITATIONS,
    "signup:accept": Feature.INVITATIONS,  # letting a new person in, and inviting the file that is theirs already, is
    "autopay:update": Feature.PAYMENTS,
    "pay_link:make": Feature.PAYMENTS,
    "payment:start": Feature.PAYMENTS,
    "signup:link": Feature.INVITATIONS,  # inviting; saying no is not
    "slot:read": Feature.SELF_SCHEDULING,
    "message:draft": Feature.MESSAGING,
    "message:send": Feature.MESSAGING,
    "message:send_many": Feature.MESSAGING,
}
# What a program may be given, by what an administrator ticks. Everything else is closed to programs: what signs, what
# is a person's own, settings, tokens, and any action that is new.
BY_SCOPE = {
    "clients:read": {"client:list", "client:read"},
    "documents:read": {"document:download", "document:read", "document:verify"},
    "forms:read": {"form:read"},
    "intakes:read": {"intake:read", "intake:summarize"},
    "invitations:read": {"invite:read"},
    "invitations:write": {"invite:revoke", "invite:send"},
    "jobs:read": {"job:read"},
    "settings:read": {"settings:read"},
}
EVERY_ACTION = (
    WITHOUT_SESSION | BY_PERMISSION | BY_BILLING | STAFF_ABOUT_A_CLIENT | STAFF_ABOUT_THE_PRACTICE | ADMINISTRATORS_ONLY
    | CLIENTS_OWN | CLIENTS_OWN_WORK | ANYONE_SIGNED_IN | STAFF_OWN | OWN_OR_BY_ADMINISTRATORS
)  # fmt: skip


def ever(action: str, role: Role, may_invite: bool, may_bill: bool) -> bool:
    """Whether this role does this for anyone at all."""
    if role is CONTACT:
        return False  # 1.1: "by explicit, dated, revocable permission", which nobody can give yet
    if role is CLIENT:
        return action in CLIENTS_OWN | CLIENTS_OWN_WORK | ANYONE_SIGNED_IN
    if action in OWN_OR_BY_ADMINISTRATORS:
        return True
    if action in STAFF_ABOUT_A_CLIENT | STAFF_ABOUT_THE_PRACTICE | ANYONE_SIGNED_IN | STAFF_OWN:
        return True
    if role is ADMINISTRATOR:
        return action in BY_PERMISSION | BY_BILLING | ADMINISTRATORS_ONLY
    return (action in BY_PERMISSION and may_invite) or (action in BY_BILLING and may_bill)


def reaches(action: str, role: Role, facts: Facts) -> bool:
    """Whether a role that does this may do it to this very record."""
    if role is CLIENT or action in ANYONE_SIGNED_IN | STAFF_OWN:
        return facts.is_self
    if role is ADMINISTRATOR or action in STAFF_ABOUT_THE_PRACTICE:
        return True
    if action in OWN_OR_BY_ADMINISTRATORS:
        return facts.is_self
    return facts.is_assigned


def paused(now: Circumstances) -> bool:
    """Issue 3: trial is everything of its plan until it ends (then like suspended); suspended: nothing new."""
    return now.standing is Standing.SUSPENDED


def feature_off(feature: Feature, now: Circumstances) -> Off | None:
    """DOMAIN.md 2.1 to 2.5, as its list has it; a person is told first what stands in the way for everyone."""
    if paused(now):
        return Off.SUSPENDED
    basic = {Feature.INVITATIONS, Feature.INTAKE_FORMS, Feature.PAYMENTS}
    included = {"basic": basic, "plus": basic | {Feature.MESSAGING, Feature.SELF_SCHEDULING}}.get(now.plan, set())
    if feature not in included:
        return Off.NOT_IN_PLAN
    if feature is Feature.PAYMENTS and not now.card_processing:
        return Off.CARD_PROCESSING
    if feature not in now.switched_on:
        return Off.SWITCHED_OFF
    if feature in (Feature.MESSAGING, Feature.SELF_SCHEDULING) and now.seat is False:
        return Off.NO_SEAT
    return Off.CLIENT if feature in now.client_off else None


def expected(action: str, facts: Facts) -> Denial | None:
    """What DOMAIN.md and the order of answers (DESIGN.md) say."""
    if action not in EVERY_ACTION:
        return Denial.UNKNOWN_ACTION
    if action in WITHOUT_SESSION:
        return None
    doing = [role for role in facts.roles if ever(action, role, facts.may_invite, facts.may_bill)]
    if not doing:
        return Denial.ROLE
    if facts.scopes is not None and not any(action in BY_SCOPE.get(scope, ()) for scope in facts.scopes):
        return Denial.SCOPE
    if not facts.exists or not any(reaches(action, role, facts) for role in doing):
        return Denial.UNRELATED
    if action in PARTICIPANTS_ONLY and not facts.is_member:
        return Denial.UNRELATED
    if action in BEGINS and paused(facts.circumstances):
        return Denial.SUSPENDED
    if action in NEEDS and (off := feature_off(NEEDS[action], facts.circumstances)):
        if off is Off.SUSPENDED:
            return Denial.SUSPENDED
        return Denial.NOT_IN_PLAN if off is Off.NOT_IN_PLAN else Denial.SWITCHED_OFF
    return None


# ---- every case ----


def subsets(of: Any) -> list[frozenset[Any]]:
    """Every set of these."""
    every = list(of)
    return [frozenset(each) for size in range(len(every) + 1) for each in itertools.combinations(every, size)]


def relations() -> Iterator[dict[str, Any]]:
    """Every set of roles, and everything that ties the asker to a record. No action depends on both permissions; each
    is given and not given with everything else, and half of the time alone."""
    flags = itertools.product((True, False), repeat=4)
    for roles, (is_self, is_assigned, may_invite, exists) in itertools.product(subsets(Role), list(flags)):
        yield {
            "roles": roles, "is_self": is_self, "is_assigned": is_assigned, "may_invite": may_invite,
            "may_bill": may_invite == is_self, "exists": exists,
        }  # fmt: skip


def circumstances(feature: Feature) -> list[Circumstances]:
    """Everything that bears on one feature, and the same of all the others together."""
    others = frozenset(Feature) - {feature}
    sets = [frozenset(), frozenset({feature}), others, frozenset(Feature)]
    return [
        Circumstances(plan=plan, switched_on=on, card_processing=card, seat=seat, client_off=off, standing=standing)
        for plan, on, card, seat, off, standing in itertools.product(
            ("basic", "plus", "", "gold"), sets, (True, False), (None, True, False), sets, Standing
        )
    ]


CORNERS = [
    Circumstances(plan=plan, switched_on=on, card_processing=True, seat=seat, client_off=off, standing=standing)
    for plan, on, seat, off, standing in itertools.product(
        ("plus", ""), (frozenset(), frozenset(Feature)), (True, False), (frozenset(), frozenset(Feature)), Standing
    )
]


@pytest.mark.parametrize("action", sorted({*RULES, *EVERY_ACTION, "chart:read", ""}))
def test_every_decision_is_what_the_domain_says(action: str) -> None:
    worlds = circumstances(NEEDS[action]) if action in NEEDS else CORNERS
    wrong = [
        facts
        for relation in relations()
        for world in worlds
        if denial(action, facts := Facts(**relation, circumstances=world)) != expected(action, facts)
    ]
    assert not wrong, (len(wrong), wrong[0], denial(action, wrong[0]), expected(action, wrong[0]))


@pytest.mark.parametrize("action", sorted(RULES))
def test_a_thread_is_its_participants_alone(action: str) -> None:
    """Whoever does not take part in it reaches nothing of it; what is not about a thread does not ask."""
    every = [
        Facts(**relation, is_member=False, circumstances=world) for relation in relations() for world in CORNERS[::5]
    ]
    wrong = [facts for facts in every if denial(action, facts) != expected(action, facts)]
    assert not wrong, (len(wrong), wrong[0], denial(action, wrong[0]), expected(action, wrong[0]))


@pytest.mark.parametrize("action", sorted({*RULES, *EVERY_ACTION, "chart:read", ""}))
def test_a_token_does_what_its_scopes_name_and_its_maker_may(action: str) -> None:
    """With no scope, each scope alone, all but each, all, and one that nobody knows."""
    every = frozenset(BY_SCOPE)
    given = [frozenset(), every, frozenset({"clients:*", "*", "clients"})]
    given += [each for scope in every for each in (frozenset({scope}), every - {scope})]
    wrong = [
        facts
        for relation in relations()
        for scopes in given
        if denial(action, facts := Facts(**relation, scopes=scopes, circumstances=EVERYTHING_ON))
        != expected(action, facts)
    ]
    assert not wrong, (len(wrong), wrong[0], denial(action, wrong[0]), expected(action, wrong[0]))


@pytest.mark.parametrize("feature", Feature)
def test_every_reason_for_a_feature_to_be_off_in_order(feature: Feature) -> None:
    every = itertools.product(
        ("basic", "plus", "", "gold"), subsets(Feature), (True, False), (None, True, False), subsets(Feature), Standing
    )
    for plan, on, card, seat, off, standing in every:
        now = Circumstances(
            plan=plan, switched_on=on, card_processing=card, seat=seat, client_off=off, standing=standing
        )
        assert why_off(feature, now) is feature_off(feature, now), now


def test_reasons_come_in_the_order_in_which_something_can_be_done_about_them() -> None:
    """Take one obstacle after the other away: the next reason shows, and each only once all before it are gone."""
    everything = {"plan": "basic", "switched_on": (), "card_processing": False, "seat": False}
    now = Circumstances(**everything, client_off=set(Feature))
    shown = [why_off(Feature.MESSAGING, now), why_off(Feature.PAYMENTS, now)]
    for change in ({"plan": "plus"}, {"card_processing": True}, {"switched_on": set(Feature)}, {"seat": True}):
        everything |= change
        now = Circumstances(**everything, client_off=set(Feature))
        shown += [why_off(Feature.MESSAGING, now), why_off(Feature.PAYMENTS, now)]
    assert shown == [
        Off.NOT_IN_PLAN, Off.CARD_PROCESSING,
        Off.SWITCHED_OFF, Off.CARD_PROCESSING,
        Off.SWITCHED_OFF, Off.SWITCHED_OFF,
        Off.NO_SEAT, Off.CLIENT,
        Off.CLIENT, Off.CLIENT,
    ]  # fmt: skip
    assert why_off(Feature.MESSAGING, Circumstances(**everything, client_off=())) is None


@pytest.mark.parametrize(
    ("status", "trial_ends_at", "is_then"),
    [
        ("trial", "2026-12-08T12:00:00.000Z", Standing.TRIAL),
        ("trial", "2026-11-24T12:00:00.001Z", Standing.TRIAL),
        ("trial", "2026-11-24T12:00:00.000Z", Standing.SUSPENDED),
        ("trial", None, Standing.SUSPENDED),
        ("active", None, Standing.ACTIVE),
        ("suspended", None, Standing.SUSPENDED),
        ("", None, Standing.SUSPENDED),
        ("closed", "2026-12-08T12:00:00.000Z", Standing.SUSPENDED),
    ],
)
def test_how_an_organization_stands(status: str, trial_ends_at: str | None, is_then: Standing) -> None:
    assert plans.standing(status, trial_ends_at, "2026-11-24T12:00:00.000Z") is is_then


def test_a_trial_allows_what_being_active_allows() -> None:
    for action, relation in itertools.product(_with_session(), relations()):
        trial = Circumstances("plus", set(Feature), True, True, standing=Standing.TRIAL)
        assert _allowed(action, trial, **relation) == _allowed(action, EVERYTHING_ON, **relation)


# ---- properties, whatever the table holds ----

EVERYTHING_ON = Circumstances(plan="plus", switched_on=set(Feature), card_processing=True, seat=True)


def _allowed(action: str, circumstances: Circumstances = EVERYTHING_ON, **relation: Any) -> bool:
    return denial(action, Facts(**relation, circumstances=circumstances)) is None


def _with_session() -> list[str]:
    return [action for action, rule in RULES.items() if not rule.anyone]


def test_what_is_not_in_the_table_is_denied() -> None:
    for relation in relations():
        for action in ("", "client:delete", "CLIENT:READ", "client:read ", "*", "chart:read"):
            assert denial(action, Facts(**relation, circumstances=EVERYTHING_ON)) is Denial.UNKNOWN_ACTION


def test_nobody_without_a_role_does_anything_that_needs_a_session() -> None:
    for action in _with_session():
        assert not _allowed(action, roles=(), is_self=True, is_assigned=True, may_invite=True)


def test_a_client_only_ever_reaches_what_is_their_own() -> None:
    for action, relation in itertools.product(_with_session(), relations()):
        if relation["roles"] in ({CLIENT}, {CONTACT}, {CLIENT, CONTACT}) and not relation["is_self"]:
            assert not _allowed(action, **relation)


def test_a_therapist_never_reaches_a_client_who_is_not_assigned() -> None:
    about_a_client = [
        action for action in _with_session() if RULES[action].therapist in (Reach.ASSIGNED, Reach.PERMITTED)
    ]
    assert set(about_a_client) == STAFF_ABOUT_A_CLIENT | BY_PERMISSION
    for action, may_invite in itertools.product(about_a_client, (True, False)):
        assert not _allowed(action, roles={THERAPIST}, is_self=True, is_assigned=False, may_invite=may_invite)


def test_nothing_that_names_a_feature_passes_without_plan_and_switch() -> None:
    gated = {action: rule.feature for action, rule in RULES.items() if rule.feature is not None}
    assert gated == NEEDS
    for (action, feature), relation in itertools.product(gated.items(), relations()):
        for plan, on in itertools.product(("", *PLANS), subsets({feature, Feature.MESSAGING})):
            if feature not in PLANS.get(plan, ()) or feature not in on:
                now = Circumstances(plan=plan, switched_on=on, card_processing=True, seat=True)
                assert not _allowed(action, now, **relation)


def test_switching_something_off_for_a_client_only_ever_takes_away() -> None:
    for action, relation, on in itertools.product(_with_session(), relations(), subsets(list(Feature)[:2])):
        wide = Circumstances(plan="plus", switched_on=on, card_processing=True, seat=True)
        narrow = Circumstances(plan="plus", switched_on=on, card_processing=True, seat=True, client_off=set(Feature))
        assert _allowed(action, wide, **relation) or not _allowed(action, narrow, **relation)


def test_more_roles_never_take_anything_away() -> None:
    for action, relation in itertools.product(_with_session(), relations()):
        if not _allowed(action, **relation):
            continue
        for more in Role:
            assert _allowed(action, **{**relation, "roles": relation["roles"] | {more}})


def test_a_client_that_is_not_there_is_like_one_that_may_not_be_seen() -> None:
    for action, relation in itertools.product(_with_session(), relations()):
        gone = denial(action, Facts(**{**relation, "exists": False}, circumstances=EVERYTHING_ON))
        assert gone in (Denial.ROLE, Denial.UNRELATED)


def test_a_scope_only_ever_takes_away() -> None:
    for action, relation in itertools.product(_with_session(), relations()):
        for scopes in subsets(list(Scope)[:3]):
            assert _allowed(action, **relation) or not _allowed(action, **relation, scopes=scopes)


def test_the_scopes_are_pinned_and_a_new_action_is_in_none() -> None:
    """A wall, not a list to be extended in passing: who names an action here has asked what a stolen token could do."""
    assert {scope.value: set(actions) for scope, actions in SCOPES.items()} == BY_SCOPE
    assert {action for action in RULES if scope_of(action) is None} == EVERY_ACTION - set().union(*BY_SCOPE.values())
    assert scope_of("chart:read") is None
    assert not opens(set(Scope), "chart:read")


def test_no_scope_holds_what_a_program_must_never_do() -> None:
    from chalicelib.handlers import routes

    scoped = [action for actions in SCOPES.values() for action in actions]
    assert len(scoped) == len(set(scoped)), "an action is in one scope at most: the description names that one"
    assert set(scoped) <= {route.action for route in routes() if route.audience == PRACTICE}
    proved = {route.action for route in routes() if route.proof is not None}
    ones_own = {"session", "token", "notification", "profile", "home"}
    assert not {action for action in scoped if action in proved or action.partition(":")[0] in ones_own}
    assert not {action for action in scoped if Reach.SELF in RULES[action][1:3] or RULES[action].anyone}


def test_what_clients_may_do_is_pinned() -> None:
    """A wall, not a list to be extended in passing: DOMAIN.md 1.5. Contacts have nothing yet."""
    assert {action for action, rule in RULES.items() if rule.client is not Reach.NOBODY} == {
        "appointment:answer", "appointment:book", "appointment:read", "feed:manage", "slot:read",
        "account:read", "account:update", "document:download", "document:read", "document:verify", "home:read",
        "intake:complete", "intake:read", "profile:read", "profile:update", "session:end", "session:extend",
        "session:list", "session:prove", "session:read",
        "upload:add", "upload:finish", "upload:read",
        "autopay:update", "card:manage", "credit:apply", "invoice:read", "pay_link:make", "payment:cancel",
        "payment:read", "payment:start",
        "message:draft", "message:list", "message:read", "message:send",
    }  # fmt: skip
    assert {rule.client for rule in RULES.values()} == {Reach.NOBODY, Reach.SELF}
    assert {rule.contact for rule in RULES.values()} == {Reach.NOBODY}


def test_only_staff_are_ever_permitted_and_only_therapists_need_it() -> None:
    assert {rule.administrator for rule in RULES.values()} <= {Reach.NOBODY, Reach.SELF, Reach.TENANT}
    assert all(set(rule[1:5]) == {Reach.NOBODY} for rule in RULES.values() if rule.anyone)


def test_a_client_of_the_request_is_never_one_that_was_sent() -> None:
    """What makes `is_self` safe to be constant: a portal route cannot name a client."""
    from chalicelib.handlers import routes

    assert not [route.path for route in routes() if route.audience in (PORTAL, BOTH) and "client_id" in route.path]
    assert sessions.facts.__module__ == "chalicelib.services.sessions"


# ---- mistakes stop the import ----


class _Staff(View):
    """For staff."""


class _Mine(PortalView):
    """For clients."""


class _In(Body):
    """A body."""


def _practice(context: Context, client_id: str) -> _Staff:
    """A view for staff"""
    return _Staff()


def _portal(context: Context) -> _Mine:
    """A view for clients"""
    return _Mine()


def _leaky(context: Context) -> _Staff:
    """A view that shows clients what staff see"""
    return _Staff()


def _no_context(client_id: str) -> _Staff:
    """A view that does not ask who is there"""
    return _Staff()


@pytest.mark.parametrize(
    ("audience", "method", "path", "function", "options", "because"),
    [
        (PRACTICE, "GET", "/clients/{client_id}", _practice, {"action": "chart:read"}, "unknown action"),
        (PUBLIC, "GET", "/x", _portal, {"action": "document:read"}, "does not admit public"),
        (PORTAL, "GET", "/x", _portal, {"action": "client:read"}, "does not admit portal"),
        (PRACTICE, "GET", "/clients/{client_id}", _practice, {"action": "profile:read"}, "does not admit practice"),
        (BOTH, "GET", "/x", _portal, {"action": "settings:read"}, "does not admit both"),
        (BOTH, "GET", "/x", _portal, {"action": "profile:read"}, "does not admit both"),
        (PORTAL, "GET", "/clients/{client_id}/x", _portal, {"action": "document:read"}, "never by the address"),
        (PRACTICE, "GET", "/documents/{document_id}", _practice, {"action": "document:read"}, "must name"),
        (PRACTICE, "POST", "/invites", _practice, {"action": "invite:send"}, "must name"),
        (PORTAL, "GET", "/x", _leaky, {"action": "document:read"}, "PortalView types only"),
        (PRACTICE, "GET", "/clients/{client_id}", _practice, {"action": "client:read", "body": _In}, "safe method"),
        (PRACTICE, "GET", "/clients/{client_id}", _practice, {"action": "client:read", "idempotent": True}, "safe"),
        (PRACTICE, "HEAD", "/clients/{client_id}", _practice, {"action": "client:read", "if_match": True}, "safe"),
        (PRACTICE, "GET", "/clients/{client_id}", _practice, {"action": "client:read", "conditional": True}, "etag"),
        (PRACTICE, "GET", "/clients/{client_id}", _no_context, {"action": "client:read"}, "takes the context"),
        (PRACTICE, "GET", "/clients/{client_id}", _practice, {"action": "client:read", "proof": "recent"}, "no scope"),
    ],
)
def test_a_route_that_breaks_a_rule_cannot_be_declared(
    audience: str, method: str, path: str, function: Any, options: dict[str, Any], because: str
) -> None:
    with pytest.raises(RuntimeError, match=because):
        Routes("mistake", audience).endpoint(method, path, **options)(function)


def test_a_route_without_an_action_cannot_be_declared() -> None:
    with pytest.raises(TypeError):
        Routes("mistake", PRACTICE).endpoint("GET", "/clients/{client_id}")(_practice)  # type: ignore[call-arg]


def test_a_good_route_can_be_declared() -> None:
    """So that the refusals above are for the reason they name."""
    good = Routes("good", PRACTICE)
    good.endpoint("GET", "/clients/{client_id}", action="client:read", reads_record=True)(_practice)
    assert [route.action for route in good.table] == ["client:read"]
    Routes("fine", PORTAL).endpoint("GET", "/x", action="document:read")(_portal)


# ---- what must be true of every route there is ----


def test_every_action_is_used_and_every_route_has_one_that_fits() -> None:
    from chalicelib.handlers import routes

    for route in routes():
        routing._check(route, lambda context: context)
    # A client's own check of a stored file is the public one; the action is for staff's button.
    assert {route.action for route in routes()} == set(RULES)


def test_a_staff_read_of_a_clients_record_is_audited() -> None:
    """DOMAIN.md 8. The template of an invitation holds nothing of the client, and how far the check of a file
    is, which is asked every second, nothing but a state."""
    from chalicelib.handlers import routes

    reads = [r for r in routes() if r.audience == PRACTICE and r.method == "GET" and "{client_id}" in r.path]
    silent = {route.operation_id for route in reads if not route.reads_record}
    assert len(reads) > 5
    assert silent == {"read_invite_template", "read_upload"}


def test_an_answer_that_names_clients_says_whom() -> None:
    """DOMAIN.md 8 for lists: where the address names no client, the view must, or routing has nothing to audit."""
    from chalicelib.handlers import routes

    lists = [
        r
        for r in routes()
        if r.audience in (PRACTICE, BOTH)
        and "{client_id}" not in r.path
        and r.view is not Empty
        and r.status != 201  # what was just made is an event of its own
    ]
    naming = {
        r.operation_id for r in lists if any("client_id" in each.model_fields for each in (r.view, *inner(r.view)))
    }
    telling = {r.operation_id for r in lists if r.view.clients_named is not View.clients_named}
    assert naming == telling
    assert naming >= {"list_clients", "search_clients", "read_staff_home", "list_notifications"}


def test_what_sends_mail_needs_an_idempotency_key() -> None:
    from chalicelib.handlers import routes

    sending = {"send_invite", "resend_invite", "sign_my_form", "start_email_change"}
    sending |= {"invite_staff", "resend_staff_invitation", "reset_second_factor"}
    sending |= {"send_forms", "remind_client", "remind_many", "ask_again"}
    sending |= {"record_notice", "record_paper_form"}  # no mail: but twice would be two records
    sending |= {"accept_sign_up", "link_sign_up", "reject_sign_up"}
    sending |= {"create_client", "start_import"}  # and what would otherwise open two files of one person
    sending |= {"send_login_link", "invite_many", "save_wording"}
    sending |= {"book_appointment", "move_my_appointment", "accept_proposal", "cancel_my_appointment"}
    sending |= {"create_appointment", "confirm_appointment", "decline_appointment", "propose_times"}
    sending |= {"move_appointment", "cancel_appointment"}
    sending |= {"create_invoice", "bill_appointments", "issue_invoice", "void_invoice", "write_off_invoice"}
    sending |= {"adjust_invoice", "apply_credit", "apply_my_credit", "start_payment", "record_payment"}
    sending |= {"refund_payment", "make_pay_link", "make_my_pay_link", "start_export"}
    sending |= {"create_series", "move_following", "cancel_following"}
    sending |= {"create_group", "add_to_group", "move_group", "cancel_group"}
    sending |= {"create_group_series", "move_following_groups", "cancel_following_groups"}
    sending |= {"add_to_following_groups", "remove_from_following_groups", "change_following_groups"}
    sending |= {"join_wait_list", "accept_offer"}  # the first would else be answered with its own doing
    sending |= {"begin_thread", "answer_thread", "begin_my_thread", "answer_my_thread", "send_mass_message"}
    sending |= {"open_thread", "add_contact"}
    assert {route.operation_id for route in routes() if route.idempotent} == sending


def inner(model: Any) -> Iterator[type[BaseModel]]:
    """Every model within a model."""
    for field in model.model_fields.values():
        stack = [field.annotation]
        while stack:
            kind = stack.pop()
            stack += getattr(kind, "__args__", ())
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield kind
                yield from inner(kind)


def test_clients_are_shown_portal_views_only_down_to_the_last_field() -> None:
    """A view inside a view counts, too: nothing of staff's hides in a list."""
    from chalicelib.handlers import routes

    for route in routes():
        if route.audience in (PORTAL, BOTH, PUBLIC) and route.view is not Empty:
            assert issubclass(route.view, PortalView), route.path
            assert [each for each in inner(route.view) if not issubclass(each, PortalView)] == [], route.path
