"""An operator's hand on organizations: open one, look at it, change how it stands, its plan and its limits.

    python -m infra.tenant create --slug oak --name "Oak Lane Counseling" --zone America/New_York --country US \\
        --phone "(212) 555-0142" --plan plus --email ada@oak.example --administrator "Ada Ashdown"
    python -m infra.tenant show --slug oak
    python -m infra.tenant activate | suspend --slug oak
    python -m infra.tenant trial --slug oak --days 30
    python -m infra.tenant set-plan --slug oak --plan basic
    python -m infra.tenant set-cap --slug oak --cap invitations_tenant --most 1000 [--seconds 86400]

It uses the application's own services with the environment of a deployed stage (infra/README.md says how to take it
over), or asks a portal on this machine to do it: `--local http://localhost:8000`.
"""

import argparse
import hashlib
import json
import sys
import urllib.request
from collections.abc import Sequence
from typing import Any

CAPS = ("invitations_tenant", "invitations_client", "staff_invitations_tenant", "messages_tenant")


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; prints what there is now as JSON, or why not."""
    asked = _parser().parse_args(arguments)
    try:
        print(json.dumps(_elsewhere(asked.local, arguments) if asked.local else run(arguments), indent=1))
    except Refused as why:
        print(why, file=sys.stderr)
        return 1
    return 0


class Refused(Exception):
    """It could not be done; the text says why."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.tenant", description=__doc__.partition("\n")[0])
    parser.add_argument("--local", metavar="ADDRESS", help="a portal on this machine that is to do it")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text)
        added.add_argument("--slug", required=True)
        return added

    opened = command("create", "open an organization and invite its first administrator by mail")
    for name in ("name", "zone", "phone", "email", "administrator"):
        opened.add_argument(f"--{name}", required=True)
    opened.add_argument("--country", default="US")
    opened.add_argument("--plan", choices=("basic", "plus"), default="basic")
    opened.add_argument("--credentials", help="the administrator's licence")
    opened.add_argument("--therapist", action="store_true", help="the administrator is a therapist, too")
    opened.add_argument("--trial", action="store_true", help="begin with a trial instead of active")
    command("show", "what there is")
    command("activate", "everything of its plan works")
    command("suspend", "reading only; nothing new is sent")
    command("trial", "everything works, for so many days from now").add_argument("--days", type=int, default=14)
    command("set-plan", "change its plan").add_argument("--plan", choices=("basic", "plus"), required=True)
    cap = command("set-cap", "give it a limit of its own")
    cap.add_argument("--cap", choices=CAPS, required=True)
    cap.add_argument("--most", type=int, required=True, help="0: as the stage has it")
    cap.add_argument("--seconds", type=int, default=86400)
    return parser


def _elsewhere(address: str, arguments: Sequence[str]) -> Any:
    """Have a portal on this machine do it: its cloud lives in its own process."""
    left = list(arguments)
    at = left.index("--local")
    del left[at : at + 2]
    request = urllib.request.Request(  # noqa: S310
        f"{address.rstrip('/')}/_local/tenant", json.dumps({"arguments": left}).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(json.load(error).get("error", "refused")) from None
    except urllib.error.URLError:
        raise Refused(f"No portal answers at {address}") from None


# ---- the work ----


def run(arguments: Sequence[str]) -> dict[str, Any]:
    """Do it with the environment's own services. Raises Refused."""
    from chalicelib.errors import PortalError

    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "create":
            return _create(asked)
        return _changed(asked)
    except PortalError as error:
        raise Refused(" ".join([error.title, *(each["detail"] for each in error.errors)])) from None


def _create(asked: argparse.Namespace) -> dict[str, Any]:
    from zoneinfo import available_timezones

    from chalicelib.policies.plans import Standing
    from chalicelib.services import openings

    if asked.zone not in available_timezones():
        raise Refused(f"{asked.zone} is not a time zone")
    practice = openings.Practice(
        slug=asked.slug,
        name=asked.name,
        zone=asked.zone,
        country=asked.country,
        phone=asked.phone,
        administrator=asked.administrator,
        email=asked.email,
        credentials=asked.credentials,
        also_therapist=asked.therapist,
    )
    tenant = openings.open_with_administrator(
        practice,
        plan=asked.plan,
        status=Standing.TRIAL if asked.trial else Standing.ACTIVE,
        claim=hashlib.sha256(json.dumps(["operator", *practice]).encode()).hexdigest(),
        confirm=False,
    )
    return _shown(tenant)


def _changed(asked: argparse.Namespace) -> dict[str, Any]:
    from datetime import timedelta

    from chalicelib import clock
    from chalicelib.context import Actor, Context, Persona
    from chalicelib.policies.plans import Standing
    from chalicelib.services import subscriptions, tenants

    tenant, now = tenants.by_slug(asked.slug), clock.now()
    if asked.command == "activate":
        subscriptions.set_standing(tenant, Standing.ACTIVE, now, by="operator")
    elif asked.command == "suspend":
        subscriptions.set_standing(tenant, Standing.SUSPENDED, now, by="operator")
    elif asked.command == "trial":
        until = clock.text(now + timedelta(days=asked.days))
        subscriptions.set_standing(tenant, Standing.TRIAL, now, by="operator", until=until)
    elif asked.command == "set-plan":
        context = Context(tenant.tenant_id, Actor("system", "operator"), now, Persona.ACCOUNTS, tenant=tenant)
        context.if_match = int(tenant.version)
        subscriptions.set_plan(context, asked.plan)
    elif asked.command == "set-cap":
        tenants.set_cap(tenant.tenant_id, asked.cap, asked.most or None, asked.seconds)
    return _shown(tenants.by_slug(asked.slug))


def _shown(tenant: Any) -> dict[str, Any]:
    """What an operator needs to know: nothing of clients, and of staff no more than how many there are."""
    from chalicelib.services import staff, tenants

    members = staff.everyone(tenant.tenant_id)
    return {
        "tenant_id": tenant.tenant_id,
        "slug": tenant.slug,
        "name": tenant.name,
        "plan": tenant.plan,
        "status": tenant.status,
        "standing": tenants.standing(tenant).value,
        "trial_ends_at": tenant.trial_ends_at,
        "unconfirmed_until": tenant.confirm_by,
        "limits": tenant.limits or {},
        "zone": tenant.zone,
        "created_at": tenant.created_at,
        "staff": {
            status: sum(each.status == status for each in members) for status in ("invited", "active", "disabled")
        },
        "sign_in": f"{tenants.login_url(tenant)}/staff",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
