"""Slips in e-mail addresses: what is pointed out, and what must be left in peace."""

import pytest

from chalicelib.services import spellings


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ann@gmial.com", "gmail.com"),
        ("ann@gmail.con", "gmail.com"),
        ("ann@gmail.cmo", "gmail.com"),
        ("ann@gmail.co", "gmail.com"),
        ("ann@gnail.com", "gmail.com"),
        ("ann@gamil.con", "gmail.com"),
        ("ann@hotmial.com", "hotmail.com"),
        ("ann@hotmal.com", "hotmail.com"),
        ("ann@yaho.com", "yahoo.com"),
        ("ann@outlok.com", "outlook.com"),
        ("ann@iclould.com", "icloud.com"),
        ("ann@comcast.nte", "comcast.net"),
        ("ann@verzion.net", "verizon.net"),
        ("ann@oak-lane.con", "oak-lane.com"),
        ("a+b@school.eud", "school.edu"),
    ],
)
def test_a_slip_is_seen(typed: str, meant: str) -> None:
    local = typed.partition("@")[0]
    assert spellings.likely_meant(typed) == f"{local}@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        *sorted(spellings.COMMON), "mail.example", "yahoo.de", "hotmail.fr", "outlook.de", "yahoo.co.jp",
        "hotmail.co.il",
        "oak.example", "ail.com", "gm.com", "company.com", "uni.edu", "mil.net", "live.de", "example.org", "male.com",
    ],
)  # fmt: skip
def test_another_domain_is_left_in_peace(domain: str) -> None:
    assert spellings.likely_meant(f"ann@{domain}") is None


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("", "", 0), ("a", "", 1), ("gmail", "gmial", 1), ("ab", "ba", 1), ("abc", "ca", 3), ("kitten", "sitting", 3)],
)
def test_slips(one: str, other: str, count: int) -> None:
    assert spellings.slips(one, other) == spellings.slips(other, one) == count


def test_a_mailbox_is_the_address_without_its_tag() -> None:
    assert spellings.mailbox("ann+kid+two@x.example") == "ann@x.example"
    assert spellings.mailbox("ann@x.example") == "ann@x.example"
    assert spellings.mailbox("+ann@x.example") == "+ann@x.example"
