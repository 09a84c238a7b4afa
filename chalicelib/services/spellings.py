"""What looks wrong about an e-mail address that can still be right: hints for the sender, never a refusal."""

from typing import NamedTuple

# Where people have their mail (notes: security 3.5). A domain of this list is never doubted.
COMMON = frozenset({
    "gmail.com", "googlemail.com", "yahoo.com", "yahoo.ca", "yahoo.co.uk", "yahoo.com.au", "ymail.com",
    "rocketmail.com", "hotmail.com", "hotmail.ca", "hotmail.co.uk", "outlook.com", "outlook.ca", "live.com", "live.ca",
    "msn.com", "icloud.com", "me.com", "mac.com", "aol.com", "mail.com", "email.com", "gmx.com", "gmx.net", "gmx.de",
    "web.de", "proton.me", "protonmail.com", "pm.me", "fastmail.com", "hey.com", "zoho.com", "tutanota.com",
    "comcast.net", "verizon.net", "att.net", "sbcglobal.net", "bellsouth.net", "cox.net", "charter.net",
    "earthlink.net", "optonline.net", "frontier.com", "juno.com", "rogers.com", "sympatico.ca", "shaw.ca", "telus.net",
    "bell.net", "bigpond.com",
})  # fmt: skip
# Ends that no domain has, and which end was meant.
_ENDS = {
    **dict.fromkeys(("con", "cmo", "ocm", "comm", "coom", "vom", "xom", "cim", "clm", "copm", "cpm", "om"), "com"),
    **dict.fromkeys(("nte", "ent", "nett", "met", "bet"), "net"),
    **dict.fromkeys(("ogr", "rog", "orgg", "prg"), "org"),
    **dict.fromkeys(("edi", "eud", "due"), "edu"),
}
_SHORT, _LONG = 5, 7  # letters of a name from which on one, and two, slips count as a slip


class Parts(NamedTuple):
    """A domain as its first word and the rest."""

    name: str
    end: str


def likely_meant(email: str) -> str | None:
    """The address that was probably meant, where the domain looks like a slip of a common one; else None."""
    local, _, domain = email.rpartition("@")
    better = _domain_meant(domain)
    return f"{local}@{better}" if better else None


def _domain_meant(domain: str) -> str | None:
    if domain in COMMON:
        return None
    head, _, last = domain.rpartition(".")
    mended = f"{head}.{_ENDS[last]}" if last in _ENDS else domain
    if mended in COMMON:
        return mended
    typed = _parts(mended)
    near = sorted((slips(mended, each), each) for each in COMMON if _alike(typed, _parts(each)))
    if near:
        return near[0][1]
    return mended if mended != domain else None


def _parts(domain: str) -> Parts:
    name, _, end = domain.partition(".")
    return Parts(name, end)


def _alike(typed: Parts, common: Parts) -> bool:
    """Whether one may have been typed for the other. Another country's end (yahoo.de) is no slip."""
    if typed.name == common.name:
        return len(common.name) >= _SHORT and slips(typed.end, common.end) == 1
    if typed.end != common.end or len(common.name) < _SHORT:
        return False
    return slips(typed.name, common.name) <= (2 if len(common.name) >= _LONG else 1)


def slips(one: str, other: str) -> int:
    """How many letters were missed, doubled, changed, or swapped with their neighbour (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            least = min(last[column] + 1, now[column - 1] + 1, last[column - 1] + (letter != wanted))
            swapped = row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted
            now.append(min(least, before[column - 2] + 1) if swapped else least)
        before, last = last, now
    return last[-1]


def mailbox(email: str) -> str:
    """The address without its plus tag: `a+b@x` and `a@x` are read by the same person (notes: security 3.5)."""
    local, _, domain = email.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
