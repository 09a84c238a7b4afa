"""`python -m infra.local`: the portal on this machine. The environment sets PORT (8000) and LOCAL_FOLDER (.local)."""

import json
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from infra.local import cloud


def main() -> int:
    """Start, say where, and run until Ctrl-C."""
    port, folder = int(os.environ.get("PORT", "8000")), Path(os.environ.get("LOCAL_FOLDER", ".local"))
    if _taken(port):
        print(f"Port {port} is in use. Choose another: make run PORT={port + 1}", file=sys.stderr)
        return 1
    cloud.environment(port, hold_seconds=int(os.environ.get("HOLD_SECONDS", "10")))
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")

    from infra.local import world
    from infra.local.portal import Portal
    from infra.local.server import Server

    portal = Portal(folder)
    server = Server(portal, port)
    accounts = world.accounts(server.site.base_url)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accounts.json").write_text(json.dumps(accounts, indent=1) + "\n")
    _log_into(folder / "portal.log")
    portal.start()
    server.start()
    _welcome(server.site.base_url, folder)
    _until_stopped()
    print("\nStopping …", flush=True)
    server.stop()
    portal.close()
    return 0


def _log_into(path: Path) -> None:
    """The application's own log, one JSON line a request or event, goes to a file and leaves the terminal readable."""
    file = path.open("a", buffering=1)
    for handler in logging.getLogger("client-portal").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(file)


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until_stopped() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(1):
        pass


def _welcome(base_url: str, folder: Path) -> None:
    from infra.local import world

    print(f"\n  Client Portal   {base_url}/oak         clients sign in")
    print(f"                  {base_url}/oak/staff   staff sign in")
    print(f"  Outbox          {base_url}/_local/mail")
    print(f"  Levers, codes   {base_url}/_local/\n")
    print(f"  {'':3} {'organization':13} {'who':28} {'e-mail':26} {'password':25} authenticator secret")
    for each in (*world.STAFF, *world.CLIENTS):
        secret, word, who = "", each.password, "client"
        if isinstance(each, world.StaffMember):
            secret, who = each.totp_secret, " and ".join(each.roles)
        elif isinstance(each, world.ClientPerson) and not each.account:
            word, who = "(no account yet)", "client, archived" if each.status == "archived" else "client"
        print(f"  {each.key:3} {each.tenant:13} {who:28} {each.email:26} {word:25} {secret}")
    print(f"\n  The same as JSON: {folder}/accounts.json. The application's log: {folder}/portal.log.")
    print("  Ctrl-C stops; what was done is there again after the next start; make reset forgets it.\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
