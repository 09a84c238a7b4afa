"""The TXT question and its answers, against a resolver of our own on a local port; and what senders makes of them."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.adapters import dns, mail
from chalicelib.services import senders

Reply = Callable[[bytes], bytes]


def _answer(question: bytes, texts: list[list[bytes]], *, flags: int = 0x8180, count: int | None = None) -> bytes:
    head = question[:2] + struct.pack(">HHHHH", flags, 1, len(texts) if count is None else count, 0, 0)
    body = b""
    for parts in texts:
        data = b"".join(bytes([len(part)]) + part for part in parts)
        body += b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, len(data)) + data
    return head + question[12:] + body


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Reply, Reply], None]]:
    """`resolver(over_udp, over_tcp)`: what it answers to each question."""
    tcp = socket.create_server(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", port))
    for each in (udp, tcp):
        each.settimeout(5)
    threads: list[threading.Thread] = []

    def serve(over_udp: Reply, over_tcp: Reply) -> None:
        def datagram() -> None:
            question, asker = udp.recvfrom(4096)
            if reply := over_udp(question):
                udp.sendto(reply, asker)

        def stream() -> None:
            try:
                line, _ = tcp.accept()
            except OSError:
                return
            with line:
                (length,) = struct.unpack(">H", line.recv(2))
                reply = over_tcp(line.recv(length))
                line.sendall(struct.pack(">H", len(reply)) + reply)

        for work in (datagram, stream):
            threads.append(threading.Thread(target=work, daemon=True))
            threads[-1].start()

    monkeypatch.setattr(dns, "_servers", lambda: ["127.0.0.1"])
    monkeypatch.setattr(dns, "PORT", port)
    monkeypatch.setattr(dns, "SECONDS", 0.5)
    yield serve
    udp.close()
    tcp.close()


def _never(question: bytes) -> bytes:
    raise AssertionError("not asked over TCP")


def test_texts_are_read_whole(resolver: Any) -> None:
    resolver(lambda q: _answer(q, [[b"v=spf1 ", b"-all"], [b"other"]]), _never)
    assert dns.txt("portal.example") == ["v=spf1 -all", "other"]


def test_an_answer_that_is_cut_short_is_asked_for_again(resolver: Any) -> None:
    resolver(lambda q: _answer(q, [], flags=0x8380), lambda q: _answer(q, [[b"x" * 255, b"y" * 200]]))
    assert dns.txt("portal.example") == ["x" * 255 + "y" * 200]


def test_no_such_name_has_no_texts(resolver: Any) -> None:
    resolver(lambda q: _answer(q, [], flags=0x8183), _never)
    assert dns.txt("nothing.example") == []


@pytest.mark.parametrize(
    "reply",
    [
        lambda q: b"",  # silence
        lambda q: _answer(q, [[b"x"]], flags=0x8182),  # the resolver failed
        lambda q: b"zz" + _answer(q, [[b"x"]])[2:],  # somebody else's answer
        lambda q: _answer(q, [[b"x"]])[:-1],  # cut off
        lambda q: _answer(q, [[b"x"]], count=9),
        lambda q: _answer(q[:12] + b"\x03evil" + q[16:], [[b"x"]]),
        lambda q: b"\0" * 5,
    ],
)
def test_what_cannot_be_read_is_said_to_be_unreadable(resolver: Any, reply: Reply) -> None:
    resolver(reply, _never)
    with pytest.raises(dns.Unreadable):
        dns.txt("portal.example")


@pytest.mark.parametrize("name", ["", "x", "a b.example", "é.example", "a" * 300 + ".example", "..", "x.example\n"])
def test_what_is_no_name_is_not_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "_servers", lambda: pytest.fail("asked"))
    with pytest.raises(dns.Unreadable):
        dns.txt(name)


# ---- what it means for the sender ----

GOOD = {"portal.example": ["v=spf1 include:amazonses.com ~all", "else"], "_dmarc.portal.example": ["v=DMARC1; p=none"]}
TOLD = mail.Identity(True, "SUCCESS", ["one", "two"], None, "")


def _states(monkeypatch: pytest.MonkeyPatch, texts: Any, told: mail.Identity | None) -> dict[str, str]:
    def txt(name: str) -> list[str]:
        if texts is None:
            raise dns.Unreadable()
        found: list[str] = texts.get(name, [])
        return found

    monkeypatch.setattr(dns, "txt", txt)
    monkeypatch.setattr(mail, "identity", lambda domain: told)
    return {each.purpose: each.state for each in senders.look().records}


def test_states_of_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    def states(texts: Any, told: mail.Identity | None = TOLD) -> dict[str, str]:
        return _states(monkeypatch, texts, told)

    assert states(GOOD) == {"dkim": "good", "spf": "good", "dmarc": "good"}
    assert states(None) == {"dkim": "good", "spf": "unreadable", "dmarc": "unreadable"}
    assert states({}) == {"dkim": "good", "spf": "missing", "dmarc": "missing"}
    assert states({**GOOD, "portal.example": ["v=spf1 -all"]})["spf"] == "wrong"
    assert states({**GOOD, "portal.example": GOOD["portal.example"] * 2})["spf"] == "wrong"
    assert states({**GOOD, "_dmarc.portal.example": ["v=DMARC1"]})["dmarc"] == "wrong"
    assert states(GOOD, None)["dkim"] == "unreadable"
    assert states(GOOD, TOLD._replace(dkim="PENDING"))["dkim"] == "pending"
    assert states(GOOD, TOLD._replace(dkim="FAILED"))["dkim"] == "missing"
    own = TOLD._replace(mail_from="bounce.portal.example", mail_from_state="PENDING")
    assert states(GOOD, own) == {"dkim": "good", "mail_from": "pending", "spf": "missing", "dmarc": "good"}
