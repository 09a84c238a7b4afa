"""Setting text of any script: fonts with fallback, shaping, direction, line breaking, and the PDF fonts that result.

Text is data here: there is no markup, every character given is drawn as it is. What no font has is drawn as a box and
its code point (`□[U+20BB7]`), and so are control characters and the controls that turn text around.
"""

from __future__ import annotations

import functools
import hashlib
import pathlib
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import uharfbuzz

from chalicelib.adapters import bidi

Colour = tuple[float, float, float]

_FONTS = pathlib.Path(__file__).parent / "fonts"
_FALLBACK = (
    "NotoSansHebrew-Regular",
    "NotoSansArabic-Regular",
    "NotoSansThai-Regular",
    "DroidSansFallback",
    "NotoEmoji-Regular",
    "NotoSansArmenian-Regular",
    "NotoSansGeorgian-Regular",
    "NotoSansBengali-Regular",
    "NotoSansGujarati-Regular",
    "NotoSansGurmukhi-Regular",
    "NotoSansTamil-Regular",
    "NotoSansTelugu-Regular",
    "NotoSansKannada-Regular",
    "NotoSansMalayalam-Regular",
    "NotoSansSinhala-Regular",
    "NotoSansKhmer-Regular",
    "NotoSansLao-Regular",
    "NotoSansMyanmar-Regular",
    "NotoSansEthiopic-Regular",
    "NotoSansCherokee-Regular",
    "DejaVuSans",
)
_FAMILIES = {
    "text": ("NotoSans-Regular", *_FALLBACK),
    "strong": ("NotoSans-SemiBold", *_FALLBACK),
    "script": ("DancingScript-SemiBold", "NotoSans-Regular", *_FALLBACK),
}
_EMOJI = _FALLBACK.index("NotoEmoji-Regular")

_NOT_EMBEDDED = ("GSUB", "GPOS", "GDEF", "name", "post", "cmap", "OS/2", "STAT")  # tables a PDF has no use for

_LINE_ENDS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Invisible by nature (Default_Ignorable_Code_Point): kept for shaping and copying, never looked for in a font.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2060-\u2064\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0100-\U000e01ef\U000e0020-\U000e007f]"
)
# Directional embeddings, overrides and isolates: see bidi.py. Invisible otherwise, so they are printed by name.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u206a-\u206f\ufff9-\ufffb]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_LETTER = re.compile(r"[A-Za-z0-9][\x21-\x7e]")  # the usual pair that never breaks, known at a glance
_PLAIN = re.compile(r"[\x20-\x7e\u00a0-\u00ac\u00ae-\u024f\u2010-\u2014\u2018-\u201e\u2022\u2026]*")
_NO_BREAK_BEFORE = set(
    "、。，．・：；？！）」』】〕〉》｝］…ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々〻,.:;?!)]}%’”»"
)
_NO_BREAK_AFTER = set("（「『【〔〈《｛［([{$£¥€‘“«")
_SPACES = set(" \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u200b\u205f\u3000")
_BEFORE_VOWEL = set("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")  # Thai, Lao: a syllable starts here
_UNITS_LIMIT = 200
_MOVE_LIMIT = 100
_STACK_LIMIT = 0.45  # of the size: piled-up marks may not cover other lines
_CONTEXT = 5  # characters on either side that HarfBuzz looks at; handing it more costs the square of a long text


@dataclass(frozen=True)
class Style:
    """How a text looks: a family ("text", "strong", "script"), size and line height in points, a colour (0 to 1)."""

    family: str
    size: float
    leading: float
    colour: Colour


class Typeface:
    """One font file, opened when first needed and kept."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(_FONTS / f"{name}.ttf")))
        self.font = uharfbuzz.Font(self.face)
        self.scale = 1000 / self.face.upem
        self._widths: dict[int, int] = {}

    def has(self, char: str) -> bool:
        """Whether the font has a glyph for the character."""
        return bool(self.font.get_nominal_glyph(ord(char)))

    def width(self, glyph: int) -> int:
        """The glyph's own advance in thousandths of the size, as the PDF states it."""
        found = self._widths.get(glyph)
        if found is None:
            found = self._widths[glyph] = round(self.font.get_glyph_h_advance(glyph) * self.scale)
        return found


@functools.cache
def typeface(name: str) -> Typeface:
    """The typeface of a file in `fonts/`."""
    return Typeface(name)


@dataclass(slots=True)
class Atom:
    """What a line break never divides: one shaped cluster. Lengths are in thousandths of the size."""

    start: int
    text: str
    face: Typeface
    level: int
    glyphs: list[tuple[int, float, float, float]]  # glyph, x offset, y offset, advance
    width: float


@dataclass
class Line:
    """A line ready to be drawn: atoms in logical order, width in points without trailing spaces."""

    atoms: list[Atom]
    style: Style
    width: float
    right_to_left: bool


# ---- which font -------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def _font_of(char: str, family: str, emoji: bool) -> str | None:
    names = _FAMILIES[family]
    if emoji and typeface(_FALLBACK[_EMOJI]).has(char):
        return _FALLBACK[_EMOJI]
    return next((name for name in names if typeface(name).has(char)), None)


def visible(text: str, family: str = "text") -> str:
    """The text as it will be drawn: what cannot be shown is replaced by a box and its code point, tabs by spaces."""
    if _PLAIN.fullmatch(text):
        return text
    shown = []
    for char in text.replace("\t", "    "):
        if _IGNORABLE.match(char):
            shown.append(char)
        elif _TURNING.match(char) or unicodedata.category(char) in ("Cc", "Cs") or not _font_of(char, family, False):
            shown.append(f"\u25a1[U+{ord(char):04X}]")
        else:
            shown.append(char)
    return "".join(shown)


def _clings(char: str, before: str) -> bool:
    """Whether a character belongs to the one before it: marks, selectors, joiners, emoji modifiers, flag halves."""
    return (
        bool(_IGNORABLE.match(char))
        or unicodedata.category(char)[0] == "M"
        or before == "\u200d"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or ("\U0001f1e6" <= char <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff")
    )


def _fonts(text: str, family: str) -> list[str]:
    """The font of every character; a cluster has one font, spaces and punctuation keep the font before them."""
    first = _FAMILIES[family][0]
    found: list[str] = []
    current = first
    i = 0
    while i < len(text):
        j = i + 1
        while j < len(text) and _clings(text[j], text[j - 1]):
            j += 1
        current = _cluster_font(text[i:j], family, current, first)
        found += [current] * (j - i)
        i = j
    return found


def _cluster_font(cluster: str, family: str, current: str, first: str) -> str:
    visible_chars = [char for char in cluster if not _IGNORABLE.match(char)]
    if not visible_chars:
        return current
    emoji = "\ufe0f" in cluster or cluster[0] >= "\U0001f000"
    base = visible_chars[0]
    keeps = current not in (first, _FALLBACK[_EMOJI]) and (base == " " or unicodedata.category(base)[0] == "P")
    if keeps and typeface(current).has(base):
        return current
    name = _font_of(base, family, emoji) or first
    if len(visible_chars) > 1 and not all(typeface(name).has(char) for char in visible_chars):
        both = (other for other in _FAMILIES[family] if all(typeface(other).has(char) for char in visible_chars))
        name = next(both, name)
    return name


# ---- shaping ----------------------------------------------------------------------------------------------------


def _runs(text: str, family: str, levels: list[int] | None) -> Iterator[tuple[int, int, str, int]]:
    """Stretches of one font and one level: start, end, font, level."""
    if levels is None and _PLAIN.fullmatch(text) and family != "script":
        yield 0, len(text), _FAMILIES[family][0], 0
        return
    fonts = _fonts(text, family)
    start = 0
    for i in range(1, len(text) + 1):
        if i == len(text) or fonts[i] != fonts[start] or (levels and levels[i] != levels[start]):
            yield start, i, fonts[start], levels[start] if levels else 0
            start = i


def _shape(text: str, codes: list[int], start: int, end: int, face: Typeface, level: int) -> list[Atom]:
    """The atoms of one run, in logical order."""
    buffer = uharfbuzz.Buffer()
    buffer.cluster_level = uharfbuzz.BufferClusterLevel.MONOTONE_GRAPHEMES
    near = max(0, start - _CONTEXT)
    buffer.add_codepoints(codes[near : end + _CONTEXT], start - near, end - start)
    buffer.language = "en"  # else HarfBuzz asks the process's locale
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if level % 2 else "ltr"
    uharfbuzz.shape(face.font, buffer)
    scale = face.scale
    atoms: list[Atom] = []
    last = -1
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        x_advance = position.x_advance * scale
        glyph = (info.codepoint, position.x_offset * scale, position.y_offset * scale, x_advance)
        cluster = near + info.cluster
        if cluster == last:
            atoms[-1].glyphs.append(glyph)
            atoms[-1].width += x_advance
        else:
            last = cluster
            atoms.append(Atom(last, "", face, level, [glyph], x_advance))
    if level % 2:
        atoms.reverse()
    for atom, following in zip(atoms, [*(a.start for a in atoms[1:]), end], strict=True):
        atom.text = text[atom.start : following]
    return atoms


# ---- breaking lines ---------------------------------------------------------------------------------------------


def _wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF" and not "\uac00" <= char <= "\ud7a3"


def _may_break(before: str, after: str) -> bool:
    """Whether a line may end between two characters: a reduced UAX #14 (no dictionaries; Korean breaks at spaces)."""
    if before in _SPACES:
        return after not in _SPACES
    if before in "-\u2010\u2013\u2014/\u00ad":
        return after.isalpha()
    if after in _BEFORE_VOWEL:
        return before not in _BEFORE_VOWEL
    if before.isascii() and after.isascii():
        return False
    if _wide(before) or _wide(after):
        if after in _NO_BREAK_BEFORE or before in _NO_BREAK_AFTER or after in _SPACES:
            return False
        return not _clings(after, before)
    return False


def _lines(atoms: list[Atom], text: str, width: float) -> Iterator[list[Atom]]:
    """The atoms divided into lines of at most `width` thousandths; trailing spaces do not count."""
    ends = [0.0]
    for atom in atoms:
        ends.append(ends[-1] + atom.width)
    allowed = [
        k
        for k, start in enumerate(atom.start for atom in atoms)
        if start and not _LETTER.match(text, start - 1) and _may_break(text[start - 1], text[start])
    ]
    first = 0
    while first < len(atoms):
        limit = ends[first] + width
        fits = bisect_right(ends, limit + 0.01) - 1  # atoms[first:fits] fit
        if fits >= len(atoms):
            yield atoms[first:]
            return
        while fits < len(atoms) and atoms[fits].text in _SPACES:  # spaces may hang
            fits += 1
        at = bisect_right(allowed, fits) - 1
        cut = allowed[at] if at >= 0 and allowed[at] > first else _forced(atoms, first, fits)
        yield atoms[first:cut]
        first = cut


def _forced(atoms: list[Atom], first: int, fits: int) -> int:
    """Where to divide a word that is longer than a line: between characters, never before a mark."""
    cut = max(fits, first + 1)
    while cut > first + 1 and cut < len(atoms) and unicodedata.category(atoms[cut].text[:1] or "a")[0] == "M":
        cut -= 1
    return cut


def set_text(text: str, style: Style, width: float) -> list[Line]:
    """The lines of a text in a column of `width` points; line ends in the text are kept, an empty line is a line."""
    lines: list[Line] = []
    for paragraph in _LINE_ENDS.split(text):
        lines += _set_paragraph(visible(paragraph, style.family), style, width)
    return lines


def _set_paragraph(text: str, style: Style, width: float) -> list[Line]:
    base = 0
    levels = None
    if _RIGHT_TO_LEFT.search(text):
        base = bidi.paragraph_level(text)
        levels = bidi.levels(text, base)
    codes = [ord(char) for char in text]
    atoms: list[Atom] = []
    for start, end, name, level in _runs(text, style.family, levels):
        if end > start:
            atoms += _shape(text, codes, start, end, typeface(name), level)
    if not atoms:
        return [Line([], style, 0, bool(base))]
    lines = []
    for piece in _lines(atoms, text, width * 1000 / style.size):
        hanging = len(piece)
        while hanging and piece[hanging - 1].text in _SPACES:
            hanging -= 1
            piece[hanging].level = base  # rule L1
        total = sum(atom.width for atom in piece[:hanging]) * style.size / 1000
        lines.append(Line(piece, style, total, bool(base)))
    return lines


# ---- fonts in the document --------------------------------------------------------------------------------------


@dataclass
class Embedded:
    """A typeface as one document uses it: a number for each glyph with the text that it stands for."""

    face: Typeface
    key: str
    numbers: dict[tuple[int, str], tuple[str, int]] = field(default_factory=dict)  # as drawn, and the width

    def number(self, glyph: int, text: str) -> tuple[str, int]:
        """The document's own number of a glyph in hexadecimal, and its width. The same glyph for another text is
        another number, so that copying and searching give back exactly what was typed."""
        found = self.numbers.get((glyph, text))
        if found is None:
            found = self.numbers[glyph, text] = (f"{len(self.numbers) + 1:04x}", self.face.width(glyph))
        return found

    def subset(self) -> tuple[bytes, bytes, str]:
        """The TrueType file with only the used glyphs, the map from numbers to its glyphs, and the subset's name."""
        request = uharfbuzz.SubsetInput()
        request.sets(uharfbuzz.SubsetInputSets.GLYPH_INDEX).update({glyph for glyph, _ in self.numbers})
        flags = uharfbuzz.SubsetFlags
        request.flags = flags.NO_HINTING | flags.NOTDEF_OUTLINE | flags.NO_LAYOUT_CLOSURE
        request.sets(uharfbuzz.SubsetInputSets.DROP_TABLE_TAG).update(
            int.from_bytes(tag.encode(), "big") for tag in _NOT_EMBEDDED
        )
        plan = uharfbuzz.SubsetPlan(self.face.face, request)
        data = plan.execute().blob.data
        places = dict(plan.old_to_new_glyph_mapping)
        pairs = b"\0\0" + b"".join(places[glyph].to_bytes(2, "big") for glyph, _ in self.numbers)
        digest = hashlib.sha256(data).digest()
        prefix = "".join(chr(65 + byte % 26) for byte in digest[:6])
        return data, pairs, f"{prefix}+{self.face.name}"

    def to_unicode(self) -> bytes:
        """The map from numbers to text."""
        rows = [
            f"<{number}> <{text.encode('utf-16-be', 'surrogatepass').hex()}>"
            for (_, text), (number, _) in self.numbers.items()
        ]
        blocks = [rows[i : i + 100] for i in range(0, len(rows), 100)]
        body = "".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in blocks)
        return (
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
            "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
            "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
            f"{body}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
        ).encode()


class Fonts:
    """The fonts of one document, named T1, T2, … in the order of their first use."""

    def __init__(self) -> None:
        self.used: dict[str, Embedded] = {}

    def of(self, face: Typeface) -> Embedded:
        """The document's use of a typeface."""
        found = self.used.get(face.name)
        if found is None:
            found = self.used[face.name] = Embedded(face, f"T{len(self.used) + 1}")
        return found


# ---- drawing ----------------------------------------------------------------------------------------------------


def draw(line: Line, x: float, y: float, fonts: Fonts) -> str:
    """The PDF operators that draw a line with its left end at x and its baseline at y.

    Clusters are written from left to right, as readers and extractors of PDF expect; they turn right-to-left words
    around themselves. Within a cluster the base comes before its marks."""
    if not line.atoms:
        return ""
    show = _Show(line.style, x, y)
    for atom, place in _placed(line):
        show.cluster(fonts.of(atom.face), atom, place)
    show.end()
    return "\n".join([f"BT {_number(*line.style.colour)} rg", *show.out, "ET"])


def _placed(line: Line) -> Iterator[tuple[Atom, float]]:
    """The atoms from left to right, each with its left end in thousandths of the size from the line's left end."""
    atoms = line.atoms
    pen = 0.0
    if line.right_to_left:  # hanging spaces stand at the left end, outside
        pen = line.width * 1000 / line.style.size - sum(atom.width for atom in atoms)
    if line.right_to_left or any(atom.level for atom in atoms):
        atoms = [atoms[index] for index in bidi.visual_order([atom.level for atom in atoms])]
    for atom in atoms:
        yield atom, pen
        pen += atom.width


def _spots(atom: Atom, pen: float) -> list[tuple[int, float, float]]:
    """Where each glyph of a cluster goes: glyph, x and height in thousandths of the size; the base first."""
    limit = _STACK_LIMIT * 1000
    spots = []
    for glyph, across, up, advance in atom.glyphs:
        spots.append((glyph, pen + across, max(-limit, min(limit, up))))
        pen += advance
    return spots[::-1] if atom.level % 2 else spots


class _Show:
    """Collects the glyphs of a line into as few operators as fonts and heights allow. Places are in thousandths of the
    size from the line's left end."""

    def __init__(self, style: Style, x: float, y: float) -> None:
        self.style, self.x, self.y = style, x, y
        self.out: list[str] = []
        self.used: Embedded | None = None
        self.slanted: bool | None = None
        self.rise = 0.0
        self.pen = 0.0
        self.parts: list[str] = []
        self.codes: list[str] = []

    def cluster(self, used: Embedded, atom: Atom, place: float) -> None:
        """Adds a cluster; one of several glyphs says as a whole what it stands for, since its glyphs may be reordered
        (from right to left its first glyph does: extractors would turn the words around)."""
        if len(atom.glyphs) == 1 and not atom.glyphs[0][2]:
            glyph, across, _, _ = atom.glyphs[0]
            self._glyph(used, glyph, atom.text, place + across, 0.0)
            return
        spots = _spots(atom, place)
        several = len(spots) > 1 and atom.level % 2 == 0
        if several:
            self.close()
            actual = ("\ufeff" + atom.text).encode("utf-16-be").hex()
            self.out.append(f"/Span <</ActualText <{actual}>>> BDC")
        for (glyph, across, up), text in zip(spots, _share(atom.text, len(spots), atom.level), strict=True):
            self._glyph(used, glyph, text, across, up)
        if several:
            self.close()
            self.out.append("EMC")

    def _glyph(self, used: Embedded, glyph: int, text: str, across: float, up: float) -> None:
        if self.used is not used:
            self.close()
            self._font(used, across)
        if self.rise != up:
            self.close()
            self.rise = up
            self.out.append(f"{_number(up * self.style.size / 1000)} Ts")
        shift = round(self.pen - across)
        if shift:
            self._flush()
            self.parts.append(_moves(shift))
            self.pen -= shift
        number, width = used.number(glyph, text)
        self.codes.append(number)
        self.pen += width

    def _font(self, used: Embedded, across: float) -> None:
        """Changes the font; the fonts to fall back on have one weight and stand upright: thickened, slanted."""
        style, size = self.style, self.style.size
        own = used.face.name in (_FAMILIES["text"][0], _FAMILIES["strong"][0], _FAMILIES["script"][0])
        slanted = style.family == "script" and used.face.name != _FAMILIES["script"][0]
        if slanted is not self.slanted:
            self.pen = across
            place = _number(self.x + across * size / 1000, self.y)
            self.out.append(f"1 0 {'.2' if slanted else '0'} 1 {place} Tm")
            self.slanted = slanted
        if style.family == "strong":
            self.out.append("0 Tr" if own else f"2 Tr {_number(size * 0.03)} w {_number(*style.colour)} RG")
        self.out.append(f"/{used.key} {_number(size)} Tf")
        self.used = used

    def _flush(self) -> None:
        if self.codes:
            self.parts.append(f"<{''.join(self.codes)}>")
            self.codes = []

    def end(self) -> None:
        """Ends the line; rise and thickness would outlive the text object."""
        self.close()
        if self.rise:
            self.out.append("0 Ts")
        if self.style.family == "strong":
            self.out.append("0 Tr")

    def close(self) -> None:
        """Writes what was collected."""
        self._flush()
        if self.parts:
            self.out.append(f"[{''.join(self.parts)}] TJ")
            self.parts = []


def _share(text: str, glyphs: int, level: int) -> list[str]:
    """What each glyph of a cluster stands for, so that reading them one after the other gives its text. From right to
    left the first stands for all of it (a PDF holds at most 256 units a glyph)."""
    if glyphs == 1:
        return [text]
    if level % 2:
        size = _UNITS_LIMIT // 2
        return [text[i * size : (i + 1) * size] for i in range(glyphs)]
    return [*text[: glyphs - 1], *[""] * max(0, glyphs - 1 - len(text)), text[glyphs - 1 :]]


def _moves(shift: int) -> str:
    """A move in a TJ array, in steps too small to be taken for a space by extractors: spaces are glyphs here."""
    if shift > -_MOVE_LIMIT:
        return str(shift)
    steps, rest = divmod(-shift, _MOVE_LIMIT)
    return " ".join([str(-_MOVE_LIMIT)] * steps + ([str(-rest)] if rest else []))


def _number(*values: float) -> str:
    return " ".join(f"{value:.2f}".rstrip("0").rstrip(".") for value in values)
