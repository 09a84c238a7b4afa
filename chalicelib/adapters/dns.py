"""DNS: the TXT records of a name, asked of the resolver that this machine uses (RFC 1035 4; one UDP question).

No library is needed for one kind of question. An answer that is cut short is asked again over TCP (RFC 7766).
"""

import os
import re
import socket
import struct
from collections.abc import Iterator

SECONDS = 1.5
PORT = 53
_TXT, _INTERNET = 16, 1
_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")


class Unreadable(Exception):
    """No resolver answered, or not in a form that can be read: nothing is known of the name."""


def txt(name: str) -> list[str]:
    """The TXT records of `name`; none when there are none, or no such name. Raises Unreadable."""
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise Unreadable()
    question = _question(name)
    for server in _servers():
        try:
            answer = _over_udp(server, question)
            if answer[2] & 2:  # truncated
                answer = _over_tcp(server, question)
            return list(_records(question, answer))
        except (OSError, ValueError, IndexError, struct.error):
            continue
    raise Unreadable()


def _servers() -> list[str]:
    try:
        with open("/etc/resolv.conf", encoding="ascii", errors="replace") as lines:
            words = [line.split() for line in lines]
    except OSError:
        return []
    return [each[1] for each in words if len(each) > 1 and each[0] == "nameserver"][:2]


def _question(name: str) -> bytes:
    head = os.urandom(2) + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0)  # recursion is desired
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return head + labels + b"\0" + struct.pack(">HH", _TXT, _INTERNET)


def _over_udp(server: str, question: bytes) -> bytes:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as line:
        line.settimeout(SECONDS)
        line.connect((server, PORT))  # from nobody else are answers taken
        line.send(question)
        return line.recv(4096)


def _over_tcp(server: str, question: bytes) -> bytes:
    with socket.create_connection((server, PORT), timeout=SECONDS) as line:
        line.sendall(struct.pack(">H", len(question)) + question)
        (length,) = struct.unpack(">H", _exactly(line, 2))
        return _exactly(line, length)


def _exactly(line: socket.socket, length: int) -> bytes:
    got = b""
    while len(got) < length:
        part = line.recv(length - len(got))
        if not part:
            raise ValueError("the answer ended early")
        got += part
    return got


def _records(question: bytes, answer: bytes) -> Iterator[str]:
    """The texts in an answer to this very question. ValueError when it is not one, or says that it failed."""
    _, flags, questions, answers, *_ = struct.unpack(">HHHHHH", answer[:12])
    at = 12 + len(question) - 12
    if answer[:2] != question[:2] or not flags & 0x8000 or questions != 1:
        raise ValueError("not an answer to this")
    if answer[12:at].lower() != question[12:].lower():
        raise ValueError("an answer to something else")
    if flags & 0xF == 3:  # no such name
        return
    if flags & 0xF:
        raise ValueError("the resolver failed")
    for _ in range(answers):
        at = _after_name(answer, at)
        kind, _, _, length = struct.unpack(">HHIH", answer[at : at + 10])
        data = answer[at + 10 : at + 10 + length]
        at += 10 + length
        if len(data) != length:
            raise ValueError("cut short")
        if kind == _TXT:
            yield _text(data)


def _after_name(answer: bytes, at: int) -> int:
    while True:
        length = answer[at]
        if length >= 0xC0:  # a pointer ends a name
            return at + 2
        at += 1 + length
        if not length:
            return at


def _text(data: bytes) -> str:
    """Strings of at most 255 bytes each, as one."""
    parts, at = [], 0
    while at < len(data):
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(parts).decode("ascii", "replace")
