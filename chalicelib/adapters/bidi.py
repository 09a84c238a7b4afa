"""The Unicode Bidirectional Algorithm (UAX #9) for one paragraph without explicit formatting characters.

Written here because shaping needs embedding levels, which the published packages do not give (they return reordered
strings), and because the packages that wrap FriBidi or python-bidi are LGPL. The explicit controls (rules X1 to X8) are
left out on purpose: in a signed document a control that turns text around could make it read otherwise than it was
typed, so the typesetter prints those characters by their code points and they never arrive here.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby

# Bidi_Paired_Bracket (UAX #9, BD14 to BD16), opening then closing.
_BRACKETS = (
    "()[]{}\u0f3a\u0f3b\u0f3c\u0f3d\u169b\u169c\u2045\u2046\u207d\u207e\u208d\u208e\u2308\u2309\u230a\u230b\u2329\u232a"
    "\u2768\u2769\u276a\u276b\u276c\u276d\u276e\u276f\u2770\u2771\u2772\u2773\u2774\u2775\u27c5\u27c6\u27e6\u27e7"
    "\u27e8\u27e9\u27ea\u27eb\u27ec\u27ed\u27ee\u27ef\u2983\u2984\u2985\u2986\u2987\u2988\u2989\u298a\u298b\u298c"
    "\u298d\u2990\u298f\u298e\u2991\u2992\u2993\u2994\u2995\u2996\u2997\u2998\u29d8\u29d9\u29da\u29db\u29fc\u29fd"
    "\u2e22\u2e23\u2e24\u2e25\u2e26\u2e27\u2e28\u2e29\u2e55\u2e56\u2e57\u2e58\u2e59\u2e5a\u2e5b\u2e5c\u3008\u3009"
    "\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011\u3014\u3015\u3016\u3017\u3018\u3019\u301a\u301b\ufe59\ufe5a"
    "\ufe5b\ufe5c\ufe5d\ufe5e\uff08\uff09\uff3b\uff3d\uff5b\uff5d\uff5f\uff60\uff62\uff63"
)
_CLOSING = dict(zip(_BRACKETS[::2], _BRACKETS[1::2], strict=True))
_OPENING = {closing: opening for opening, closing in _CLOSING.items()}
_CANONICAL = {"\u2329": "\u3008", "\u232a": "\u3009"}  # BD16: the angle brackets count as their canonical equivalents
_NEUTRAL = {"B", "S", "WS", "ON"}
_OPEN_PAIRS_LIMIT = 63  # BD16


def paragraph_level(text: str) -> int:
    """0 for left to right, 1 for right to left: the first strong character decides (P2, P3); 0 when there is none."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind == "L":
            return 0
        if kind in ("R", "AL"):
            return 1
    return 0


def levels(text: str, base: int) -> list[int]:
    """The embedding level of every character under the paragraph level `base` (0 or 1), before line breaking.

    Boundary neutrals (zero-width characters) take the level of the character before them. Time is linear in the text,
    but for the brackets, where it is linear in their number times 63 at most."""
    if not text:
        return []
    # An unassigned code point has no class in the interpreter's table: left to right.
    kinds = [unicodedata.bidirectional(char) or "L" for char in text]
    kept = [i for i, kind in enumerate(kinds) if kind != "BN"]  # X9
    types = [kinds[i] for i in kept]
    edge = "R" if base else "L"
    _weak(types, edge)
    _brackets([text[i] for i in kept], [kinds[i] for i in kept], types, edge)
    _neutral(types, edge)
    found = [base] * len(text)
    at = dict(zip(kept, (_implicit(kind, base) for kind in types), strict=True))
    last = base
    for i in range(len(text)):
        last = found[i] = at.get(i, last)
    return _trailing(kinds, found, base)


def visual_order(line: list[int]) -> list[int]:
    """Indexes of a line's characters from left to right, given their levels (rule L2)."""
    order = list(range(len(line)))
    odd = [level for level in line if level % 2]
    if not odd:
        return order
    for level in range(max(line), min(odd) - 1, -1):
        i = 0
        while i < len(order):
            j = i
            while j < len(order) and line[order[j]] >= level:
                j += 1
            order[i:j] = order[i:j][::-1]
            i = j + 1
    return order


def _weak(types: list[str], edge: str) -> None:
    """Rules W1 to W7, in place."""
    before = edge
    for i, kind in enumerate(types):  # W1
        if kind == "NSM":
            types[i] = before
        before = types[i]
    strong = edge
    for i, kind in enumerate(types):  # W2, W3
        if kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            types[i] = "AN"
    types[:] = ["R" if kind == "AL" else kind for kind in types]
    for i in range(1, len(types) - 1):  # W4
        near = types[i - 1]
        joins = (types[i] == "ES" and near == "EN") or (types[i] == "CS" and near in ("EN", "AN"))
        if joins and near == types[i + 1]:
            types[i] = near
    position = 0
    for kind, run in groupby(list(types)):  # W5, W6
        size = len(list(run))
        if kind == "ET":
            touches = "EN" in (*types[max(0, position - 1) : position], *types[position + size : position + size + 1])
            types[position : position + size] = ["EN" if touches else "ON"] * size
        position += size
    types[:] = ["ON" if kind in ("ES", "CS") else kind for kind in types]
    strong = edge
    for i, kind in enumerate(types):  # W7
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            types[i] = "L"


def _strong(kind: str) -> str | None:
    """The direction a type counts as for neutrals: numbers are right to left (N0, N1)."""
    return "R" if kind in ("R", "EN", "AN") else "L" if kind == "L" else None


def _pairs(chars: list[str], types: list[str]) -> list[tuple[int, int]]:
    """Positions of the bracket pairs (BD16), in the order of the opening ones."""
    pairs: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    for i, char in enumerate(chars):
        if types[i] != "ON":
            continue
        if char in _CLOSING:
            if len(stack) == _OPEN_PAIRS_LIMIT:
                return []
            closing = _CLOSING[char]
            stack.append((_CANONICAL.get(closing, closing), i))
        elif char in _OPENING:
            wanted = _CANONICAL.get(char, char)
            for depth in range(len(stack) - 1, -1, -1):
                if stack[depth][0] == wanted:
                    pairs.append((stack[depth][1], i))
                    del stack[depth:]
                    break
    return sorted(pairs)


def _brackets(chars: list[str], original: list[str], types: list[str], edge: str) -> None:
    """Rule N0, in place: a pair takes the direction of what it holds, or of its context."""
    for opening, closing in _pairs(chars, types):
        inside = {_strong(kind) for kind in types[opening + 1 : closing]}
        if edge in inside:
            found = edge
        elif inside - {None}:
            before = next((s for s in map(_strong, reversed(types[:opening])) if s), edge)
            found = before if before != edge else edge
        else:
            continue
        for at in (opening, closing):
            types[at] = found
            for follow in range(at + 1, len(types)):
                if original[follow] != "NSM":
                    break
                types[follow] = found


def _neutral(types: list[str], edge: str) -> None:
    """Rules N1 and N2, in place."""
    position = 0
    for neutral, run in groupby([kind in _NEUTRAL for kind in types]):
        size = len(list(run))
        if neutral:
            before = _strong(types[position - 1]) if position else edge
            after = _strong(types[position + size]) if position + size < len(types) else edge
            types[position : position + size] = [before if before and before == after else edge] * size
        position += size


def _implicit(kind: str, base: int) -> int:
    """Rules I1 and I2."""
    if base:
        return base if kind == "R" else base + 1
    return {"R": 1, "AN": 2, "EN": 2}.get(kind, 0)


def _trailing(kinds: list[str], found: list[int], base: int) -> list[int]:
    """Rule L1 for separators; the white space at the end of a line is the line breaker's to reset."""
    blank = True
    for i in range(len(kinds) - 1, -1, -1):
        if kinds[i] in ("B", "S"):
            blank = True
        if blank and kinds[i] in ("B", "S", "WS", "BN"):
            found[i] = base
        elif kinds[i] not in ("WS", "BN"):
            blank = False
    return found
