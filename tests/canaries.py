"""Looks for people where they must not be: logs, queues, keys, addresses, Stripe, and mails that say too much."""

import json
import logging
import re
import threading
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from infra.local import cloud, pump, state, stripe_double, world

KEY_ATTRIBUTES = ("pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "duepk", "duesk")

LONG = 8  # characters: what is shorter may be in a random id
FACTS = ("ledger_entry", "numbered_invoice")  # kinds of records that are written once and never changed


class Watch(logging.Handler):
    """Records everything that leaves a trace. Install once, before the application makes its AWS clients."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lock = threading.Lock()
        self.logged: list[str] = []
        self.queued: list[str] = []
        self.addresses: list[str] = []
        self.overwriting: list[str] = []
        self._clean: dict[str, set[str]] = {}  # keys in which a pattern was not found: most are there in every test
        BUILTIN_HANDLERS.append(("before-call", self._called))

    def listen(self) -> None:
        """Hear every logger, the application's own included (it does not pass its records on)."""
        for name in (None, "client-portal"):
            logger = logging.getLogger(name)
            if self not in logger.handlers:
                logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """A log line, as it would be written."""
        own = [each for each in logging.getLogger(record.name).handlers if each is not self and each.formatter]
        formatter = own[0].formatter if own else None
        text = formatter.format(record) if formatter else logging.Formatter().format(record)
        with self._lock:
            self.logged.append(text)

    def asked(self, address: str) -> None:
        """An address that a browser or a program asked the server for; levers are no part of the portal."""
        if address.startswith("/_local/"):
            return
        with self._lock:
            self.addresses.append(address)

    def _called(self, model: Any, params: dict[str, Any], **_: Any) -> None:
        body = params.get("body")
        with self._lock:
            if model.name in ("TransactWriteItems", "PutItem", "BatchWriteItem"):
                self.overwriting += _overwriting(json.loads(body or "{}"))
            if model.name in ("SendMessage", "SendMessageBatch"):
                self.queued.append(body.decode() if isinstance(body, bytes) else str(body))
            if model.service_model.service_name == "s3":
                self.addresses.append(str(params.get("url_path")))

    def clear(self) -> None:
        """Forget what was recorded."""
        with self._lock:
            for each in (self.logged, self.queued, self.addresses, self.overwriting):
                each.clear()

    def findings(self, personal: set[str]) -> list[str]:
        """Where any of these strings shows though it must not: one line a place."""
        pattern = _pattern(_spellings(personal))
        places = {
            "a log line": self.logged,
            "a queue message": self.queued,
            "an address": self.addresses,
            "a key of the table": _table_keys(),
            "a key of a bucket": _object_keys(),
            "a request to Stripe": list(stripe_double.everything_sent()),
        }
        clean = self._clean.setdefault(pattern.pattern, set())
        found = [
            f"{found.group()!r} in {place}: …{text[max(0, found.start() - 80) : found.end() + 40]}…"
            for place, texts in places.items()
            for text in set(texts) - clean
            if (found := pattern.search(text))
        ]
        if not found:
            clean.update(places["a key of the table"], places["a key of a bucket"])
        found += [f"a fact is put over what is there: {each}" for each in self.overwriting]
        return found + [line for mail in pump.outbox() for line in _in_mail(mail, personal)]


def _overwriting(asked: dict[str, Any]) -> list[str]:
    """Facts that a request would put over whatever is there: not even a race may."""
    puts = [each["Put"] for each in asked.get("TransactItems", ()) if "Put" in each]
    puts += [asked] if "Item" in asked else []
    batched = [
        each["PutRequest"] for some in asked.get("RequestItems", {}).values() for each in some if "PutRequest" in each
    ]
    return [
        str(put["Item"]["sk"])
        for put in puts + batched
        if put["Item"].get("kind", {}).get("S") in FACTS
        and "attribute_not_exists(pk)" not in put.get("ConditionExpression", "")
    ]


def _spellings(personal: set[str]) -> set[str]:
    """Phone numbers also as digits only; addresses also percent-encoded."""
    digits = {re.sub(r"\D", "", each) for each in personal if re.fullmatch(r"[\d ()+-]{9,}", each)}
    return personal | {each for each in digits if len(each) > 8} | {each.replace("@", "%40") for each in personal}


def _pattern(wanted: set[str]) -> re.Pattern[str]:
    """Any of them. What is short, a code of a procedure (90834) or a name (Berg), turns up in random ids by chance: it
    must stand by itself, also where a space before it is written as %20 or +."""

    def one(text: str) -> str:
        short = len(text) < LONG
        return rf"(?:(?<![0-9A-Za-z])|(?<=%20)){re.escape(text)}(?![0-9A-Za-z])" if short else re.escape(text)

    return re.compile("|".join(one(each) for each in sorted(wanted)), re.IGNORECASE)


def _table_keys() -> list[str]:
    table = state.backend("dynamodb").tables[cloud.PREFIX]
    return [
        value
        for partition in list(table.items.values())
        for item in list(partition.values())
        for name in KEY_ATTRIBUTES
        if (attribute := item.attrs.get(name)) is not None and (value := str(attribute.value))
    ]


def _object_keys() -> list[str]:
    return [name for bucket in state.backend("s3").buckets.values() for name in bucket.keys]


def _in_mail(mail: dict[str, Any], personal: set[str]) -> list[str]:
    """A mail may hold the recipient's address and first name and the organization's name, nothing else of anyone."""
    forbidden = _spellings(personal) - set(mail["to"])
    text = json.dumps([mail["subject"], mail["from"], mail["text"], mail["html"], mail["headers"]], ensure_ascii=False)
    pattern = _pattern(forbidden)
    return [f"{found.group()!r} in the mail {mail['subject']!r}" for found in [pattern.search(text)] if found]


def of_the_world() -> set[str]:
    """Everyone's names, addresses, numbers and dates of birth."""
    return world.personal_strings()
