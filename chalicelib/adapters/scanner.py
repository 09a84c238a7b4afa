"""Virus scanning: clamd by TCP where a stage has one (CLAMD_ADDRESS); the EICAR test file is caught everywhere."""

import socket
import struct

from chalicelib.config import settings

# The harmless file that every scanner reports (eicar.org). In two parts, so that no scanner reports this source.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
CHUNK = 256 * 1024


class Unavailable(Exception):
    """The scanner did not give a verdict: the file stays unchecked, and is looked at again."""


def finds(content: bytes) -> bool:
    """Whether something harmful is in this file. Raises Unavailable."""
    if known(content):
        return True
    return _clamd(content, settings.clamd_address) if settings.clamd_address else False


def known(*parts: bytes) -> bool:
    """Whether one of these is, or holds, what needs no scanner to be told."""
    return any(EICAR in part for part in parts)


def _clamd(content: bytes, address: str) -> bool:
    """clamd's INSTREAM: chunks, each behind its length, then a zero; the answer ends in OK or FOUND."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK):
                part = content[start : start + CHUNK]
                connection.sendall(struct.pack(">I", len(part)) + part)
            connection.sendall(struct.pack(">I", 0))
            answer = b""
            while not answer.endswith(b"\0") and (more := connection.recv(4096)):
                answer += more
    except OSError:
        raise Unavailable from None
    verdict = answer.rstrip(b"\0\n ")
    if verdict.endswith(b" FOUND"):
        return True
    if verdict.endswith(b" OK"):
        return False
    raise Unavailable
