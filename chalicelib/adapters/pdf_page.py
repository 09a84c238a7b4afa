"""Pages: where text, lines and boxes go, what each means (tags), and the PDF file that comes of it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.typesetting import Colour, Embedded, Fonts, Line, Style, draw, set_text

# US Letter, in points. Colours are those of the product's pages (design tokens, light), as sRGB.
PAGE = (612.0, 792.0)
LEFT, TOP, BOTTOM = 60.0, 716.0, 66.0
WIDTH = PAGE[0] - 2 * LEFT
INK: Colour = (0.097, 0.137, 0.171)
INK_2: Colour = (0.278, 0.318, 0.354)
INK_3: Colour = (0.357, 0.394, 0.428)
ACCENT: Colour = (0.054, 0.404, 0.324)
LINE: Colour = (0.884, 0.876, 0.854)
SUNKEN: Colour = (0.956, 0.95, 0.933)
EDGE: Colour = (0.482, 0.52, 0.549)

_RUNNING = Style("text", 8.5, 12, INK_3)
_SIGNATURE_BOX = (260.0, 78.0)


@dataclass
class Element:
    """A node of the document's structure (PDF 32000-1, 14.7): a tag and what it holds, in reading order."""

    tag: str
    kids: list[Element | tuple[int, int]] = field(default_factory=list)  # elements, or (page, number of marked content)
    alternative: str | None = None

    def add(self, tag: str) -> Element:
        """A new element at the end of this one."""
        element = Element(tag)
        self.kids.append(element)
        return element

    def figure(self, alternative: str) -> Element:
        """A picture with the words that stand for it."""
        element = self.add("Figure")
        element.alternative = alternative
        return element


@dataclass
class _Page:
    operators: list[str] = field(default_factory=list)
    marked: list[Element] = field(default_factory=list)  # by number of marked content
    open: Element | str | None = None


class Composer:
    """Sets things one below the other and starts new pages as they fill. `y` is the top of the free space, in points
    from the foot of the page."""

    def __init__(
        self,
        *,
        title: str,
        author: str,
        language: str,
        running: tuple[str, str],
        foot: str,
        created: datetime | None,
    ) -> None:
        self.title, self.author, self.language = title, author, language
        self.running, self.foot, self.created = running, foot, created
        self.fonts = Fonts()
        self.root = Element("Document")
        self.pages = [_Page()]
        self.y = TOP + 20  # the first page has no running head
        self._table: tuple[list[list[Line]], list[float]] | None = None
        self._figures: Collection[int] = ()

    # -- room

    def space(self, points: float) -> None:
        """Leaves a gap; at the top of a page there is none."""
        if self.y < TOP:
            self.y -= points

    def keep(self, height: float) -> None:
        """Goes to a new page unless `height` fits on this one (or on none)."""
        if self.y - height < BOTTOM and height < TOP - BOTTOM:
            self.new_page()

    def new_page(self) -> None:
        """Starts a new page."""
        self._close()
        self.pages.append(_Page())
        self.y = TOP

    # -- text

    def flow(
        self, lines: Sequence[Line], node: Element, indent: float = 0, width: float | None = None, flush: bool = True
    ) -> None:
        """Sets lines below each other, over as many pages as they need; a last line never stands alone. Lines that run
        from right to left stand at the right of the column, but at its left when not `flush` (beside a label)."""
        column = (WIDTH - indent if width is None else width) if flush else 0.0
        for index, line in enumerate(lines):
            needed = line.style.leading * (2 if index == len(lines) - 2 else 1)
            if self.y - needed < BOTTOM and self.y < TOP:
                self.new_page()
            self._put_line(line, node, LEFT + indent, column)
            self.y -= line.style.leading

    def beside(self, line: Line, node: Element, indent: float) -> None:
        """Sets one line at the present height without going down."""
        self._put_line(line, node, LEFT + indent, WIDTH)

    def _put_line(self, line: Line, node: Element | None, x: float, column: float) -> None:
        if line.right_to_left:
            x += max(0.0, column - line.width)
        baseline = self.y - line.style.leading / 2 - line.style.size * 0.34
        operators = draw(line, x, baseline, self.fonts)
        if operators:
            self._put(operators, node)

    # -- lines and boxes

    def rule(self, colour: Colour = LINE, thickness: float = 0.6, width: float = WIDTH) -> None:
        """A horizontal line at the present height."""
        if self.y < BOTTOM - 4:
            self.new_page()
        self._put(f"{_rgb(colour)} RG {thickness} w {LEFT} {self.y:.2f} m {LEFT + width} {self.y:.2f} l S", None)

    def panel(self, height: float, colour: Colour) -> None:
        """A tinted area from here down; what follows is set on it."""
        self._put(f"{_rgb(colour)} rg {LEFT} {self.y - height:.2f} {WIDTH} {height:.2f} re f", None)

    def checkbox(self, ticked: bool, style: Style) -> None:
        """A box beside the first line of what follows, ticked or empty."""
        x, y = LEFT + 2, self.y - style.leading / 2 - 5
        self._put(f"{_rgb(ACCENT if ticked else EDGE)} RG 1 w {x} {y:.2f} 10 10 re S", None)
        if ticked:
            tick = f"{x + 2.2} {y + 5:.2f} m {x + 4.4} {y + 2.6:.2f} l {x + 8} {y + 7.6:.2f} l"
            self._put(f"q 1.6 w 1 J 1 j {tick} S Q", None)

    def strokes(self, strokes: Sequence[Sequence[Sequence[int]]], node: Element) -> None:
        """A drawn signature, points in a box of 1000 by 300, as paths of round strokes."""
        height = _SIGNATURE_BOX[1]
        self.keep(height)
        parts = [f"q {_rgb(INK)} RG 1.5 w 1 J 1 j"]
        for stroke in strokes:
            points = [_in_box(point, LEFT, self.y - height) for point in stroke if len(point) >= 2]
            if points:
                parts.append(_curve(points))
        parts.append("Q")
        self._put("\n".join(parts), node)
        self.y -= height

    # -- tables

    def table_head(
        self, cells: list[list[Line]], widths: list[float], table: Element, figures: Collection[int] = ()
    ) -> None:
        """The head of a table; it is set again on every page that the table goes on to. `figures`: the columns that
        stand at their right."""
        self._figures = figures
        height = _row_height(cells)
        self.keep(height + 40)
        row = table.add("TR")
        self._head(cells, widths, [row.add("TH") for _ in cells])
        self._table = (cells, widths)

    def _head(self, cells: list[list[Line]], widths: list[float], nodes: Sequence[Element | None]) -> None:
        height = _row_height(cells)
        self.panel(height, SUNKEN)
        self._row_part(cells, widths, nodes, height)

    def table_row(self, cells: list[list[Line]], widths: list[float], row: Element) -> None:
        """A row; one that is higher than the rest of the page is kept together if it can be, else divided."""
        nodes = [row.add("TD") for _ in cells]
        height = _row_height(cells)
        if self.y - height < BOTTOM and height < (TOP - BOTTOM) / 2:
            self._continue_table()
        while any(cells):
            leading = max(lines[0].style.leading for lines in cells if lines)
            fitting = int((self.y - BOTTOM - 8) // leading)
            if fitting < 1:
                self._continue_table()
                continue
            part = [lines[:fitting] for lines in cells]
            cells = [lines[fitting:] for lines in cells]
            self._row_part(part, widths, nodes, _row_height(part))
        self._put(f"{_rgb(LINE)} RG .6 w {LEFT} {self.y:.2f} m {LEFT + WIDTH} {self.y:.2f} l S", None)

    def _continue_table(self) -> None:
        self.new_page()
        if self._table:
            cells, widths = self._table
            self._head(cells, widths, [None] * len(cells))

    def _row_part(
        self, cells: list[list[Line]], widths: list[float], nodes: Sequence[Element | None], height: float
    ) -> None:
        top = self.y
        x = LEFT
        for column, (lines, width, node) in enumerate(zip(cells, widths, nodes, strict=True)):
            self.y = top - 4
            for line in lines:
                left = x + 6 + (max(0.0, width - 12 - line.width) if column in self._figures else 0)
                self._put_line(line, node, left, width - 12)
                self.y -= line.style.leading
            x += width
        self.y = top - height

    def table_end(self) -> None:
        """After the last row."""
        self._table, self._figures = None, ()

    # -- marked content

    def _put(self, operators: str, node: Element | None) -> None:
        """Adds operators to the page as content of an element, or as decoration (None)."""
        page = self.pages[-1]
        wanted: Element | str = node if node is not None else "artifact"
        if page.open is not wanted:
            self._close()
            if node is None:
                page.operators.append("/Artifact BMC")
            else:
                number = len(page.marked)
                page.operators.append(f"/{node.tag} <</MCID {number}>> BDC")
                page.marked.append(node)
                node.kids.append((len(self.pages) - 1, number))
            page.open = wanted
        page.operators.append(operators)

    def _close(self) -> None:
        page = self.pages[-1]
        if page.open is not None:
            page.operators.append("EMC")
            page.open = None

    # -- the frame of every page

    def finish(self) -> None:
        """Head and foot of every page, once their number is known."""
        self._close()
        total = len(self.pages)
        for number, page in enumerate(self.pages, 1):
            parts = [self._one_line(f"Page {number} of {total}", 34, right=True)]
            parts.append(self._one_line(self.foot, 34))
            parts.append(f"{_rgb(LINE)} RG .6 w {LEFT} 50 m {LEFT + WIDTH} 50 l S")
            if number > 1:
                left, right = self.running
                parts.append(self._one_line(left, 746, room=WIDTH * 0.66))
                parts.append(self._one_line(right, 746, right=True, room=WIDTH * 0.32))
                parts.append(f"{_rgb(LINE)} RG .6 w {LEFT} 736 m {LEFT + WIDTH} 736 l S")
            page.operators += ["/Artifact <</Type /Pagination>> BDC", *parts, "EMC"]

    def _one_line(self, text: str, y: float, right: bool = False, room: float = WIDTH) -> str:
        lines = set_text(text, _RUNNING, room)
        if len(lines) > 1:  # too long for its place: the full text stands on the first page
            lines = set_text("".join(atom.text for atom in lines[0].atoms).rstrip() + "…", _RUNNING, room + 20)
        x = LEFT + WIDTH - lines[0].width if right else LEFT
        return draw(lines[0], x, y, self.fonts)


def _rgb(colour: Colour) -> str:
    return " ".join(f"{part:.3f}" for part in colour)


def _row_height(cells: list[list[Line]]) -> float:
    return max((sum(line.style.leading for line in lines) for lines in cells), default=0.0) + 8


def _in_box(point: Sequence[int], x: float, y: float) -> tuple[float, float]:
    width, height = _SIGNATURE_BOX
    across, down = min(max(point[0], 0), 1000), min(max(point[1], 0), 300)
    return x + across * width / 1000, y + height - down * height / 300


def _curve(points: list[tuple[float, float]]) -> str:
    """A smooth path through the middles between the points, which removes the corners of a finger's samples."""
    (x, y), *rest = points
    parts = [f"{x:.2f} {y:.2f} m"]
    if not rest:
        return f"{parts[0]} {x:.2f} {y:.2f} l S"
    for (ax, ay), (bx, by) in itertools.pairwise(rest):
        mx, my = (ax + bx) / 2, (ay + by) / 2
        c1 = (x + (ax - x) * 2 / 3, y + (ay - y) * 2 / 3)
        c2 = (mx + (ax - mx) * 2 / 3, my + (ay - my) * 2 / 3)
        parts.append(f"{c1[0]:.2f} {c1[1]:.2f} {c2[0]:.2f} {c2[1]:.2f} {mx:.2f} {my:.2f} c")
        x, y = mx, my
    parts.append(f"{rest[-1][0]:.2f} {rest[-1][1]:.2f} l S")
    return "\n".join(parts)


# ---- the file ---------------------------------------------------------------------------------------------------


def file_of(composer: Composer) -> bytes:
    """The PDF file: reportlab writes the objects, this gives it pages, fonts and the structure tree."""
    from reportlab.pdfbase import pdfdoc
    from reportlab.pdfgen.canvas import Canvas

    composer.finish()
    out = io.BytesIO()
    canvas: Any = Canvas(out, pagesize=PAGE, pageCompression=1, invariant=1, pdfVersion=(1, 7), lang=composer.language)
    document = canvas._doc
    _properties(composer, canvas, pdfdoc)
    # reportlab would name Helvetica on every page, unembedded; ours are the only fonts.
    document.fontMapping.clear()
    fonts = document.idToObject["BasicFonts"]
    fonts.dict.clear()
    for page in composer.pages:
        canvas._preamble = ""
        canvas._code[:] = []
        canvas.showPage()
        stream = pdfdoc.PDFStream(content="\n".join(page.operators) + "\n", filters=[pdfdoc.PDFZCompress])
        made = document.Pages.pages[-1]
        made.Contents = stream
        made.__NoDefault__ = [*made.__NoDefault__, "StructParents", "Tabs"]
        made.StructParents = len(document.Pages.pages) - 1
        made.Tabs = pdfdoc.PDFName("S")
    for used in composer.fonts.used.values():
        fonts.dict[used.key] = _font(document, used, pdfdoc)
    _structure(composer, document, pdfdoc)
    canvas._code[:] = []
    canvas.save()
    return out.getvalue()


def _properties(composer: Composer, canvas: Any, pdfdoc: Any) -> None:
    canvas.setTitle(composer.title)
    canvas.setAuthor(composer.author)
    canvas.setCreator("Client Portal")
    canvas.setSubject("Signed form")
    if composer.created:  # invariant means the year 2000; the moment of the signature is as constant, and true
        stamp = canvas._doc._timeStamp
        moment = composer.created.astimezone(UTC)
        stamp.t, stamp.lt, stamp.YMDhms = moment.timestamp(), moment.timetuple(), tuple(moment.timetuple())[:6]
    catalog = canvas._doc.Catalog
    catalog.ViewerPreferences = pdfdoc.PDFDictionary({"DisplayDocTitle": pdfdoc.PDFName("true")})
    catalog.MarkInfo = pdfdoc.PDFDictionary({"Marked": "true"})


def _font(document: Any, used: Embedded, pdfdoc: Any) -> Any:
    """A Type 0 font with an embedded TrueType subset (PDF 32000-1, 9.7)."""
    data, places, name = used.subset()
    face = used.face
    extents = face.font.get_font_extents("ltr")
    scale = face.scale
    ascent, descent = round(extents.ascender * scale), round(extents.descender * scale)
    compress = [pdfdoc.PDFZCompress]
    file = pdfdoc.PDFStream(content=data, filters=compress)
    file.dictionary["Length1"] = len(data)
    descriptor = {
        "Type": pdfdoc.PDFName("FontDescriptor"),
        "FontName": pdfdoc.PDFName(name),
        "Flags": 4,
        "FontBBox": pdfdoc.PDFArray([-1000, descent, 2000, ascent]),
        "ItalicAngle": 0,
        "Ascent": ascent,
        "Descent": descent,
        "CapHeight": 714,
        "StemV": 80,
        "FontFile2": document.Reference(file),
    }
    widths = [width for _, width in used.numbers.values()]
    descendant = {
        "Type": pdfdoc.PDFName("Font"),
        "Subtype": pdfdoc.PDFName("CIDFontType2"),
        "BaseFont": pdfdoc.PDFName(name),
        "CIDSystemInfo": pdfdoc.PDFDictionary(
            {"Registry": pdfdoc.PDFString("Adobe"), "Ordering": pdfdoc.PDFString("Identity"), "Supplement": 0}
        ),
        "FontDescriptor": document.Reference(pdfdoc.PDFDictionary(descriptor)),
        "CIDToGIDMap": document.Reference(pdfdoc.PDFStream(content=places, filters=compress)),
        "W": pdfdoc.PDFArray([1, pdfdoc.PDFArray(widths)]),
    }
    font = {
        "Type": pdfdoc.PDFName("Font"),
        "Subtype": pdfdoc.PDFName("Type0"),
        "BaseFont": pdfdoc.PDFName(name),
        "Encoding": pdfdoc.PDFName("Identity-H"),
        "DescendantFonts": pdfdoc.PDFArray([document.Reference(pdfdoc.PDFDictionary(descendant))]),
        "ToUnicode": document.Reference(pdfdoc.PDFStream(content=used.to_unicode(), filters=compress)),
    }
    return document.Reference(pdfdoc.PDFDictionary(font))


def _structure(composer: Composer, document: Any, pdfdoc: Any) -> None:
    """The structure tree and the way back from marked content to it."""
    pages = [document.Reference(page) for page in document.Pages.pages]
    root = pdfdoc.PDFDictionary({"Type": pdfdoc.PDFName("StructTreeRoot")})
    reference = document.Reference(root)
    made: dict[int, Any] = {}
    root["K"] = _element(composer.root, reference, pages, made, document, pdfdoc)
    numbers: list[Any] = []
    for index, page in enumerate(composer.pages):
        numbers += [index, pdfdoc.PDFArray([made[id(node)] for node in page.marked])]
    root["ParentTree"] = document.Reference(pdfdoc.PDFDictionary({"Nums": pdfdoc.PDFArray(numbers)}))
    root["ParentTreeNextKey"] = len(composer.pages)
    document.Catalog.StructTreeRoot = reference


def _element(element: Element, parent: Any, pages: list[Any], made: dict[int, Any], document: Any, pdfdoc: Any) -> Any:
    name = pdfdoc.PDFName
    dictionary = pdfdoc.PDFDictionary({"Type": name("StructElem"), "S": name(element.tag), "P": parent})
    reference = made[id(element)] = document.Reference(dictionary)
    if element.alternative:
        dictionary["Alt"] = pdfdoc.PDFString(element.alternative)
    kids: list[Any] = []
    for kid in element.kids:
        if isinstance(kid, Element):
            kids.append(_element(kid, reference, pages, made, document, pdfdoc))
        else:
            page, number = kid
            kids.append(pdfdoc.PDFDictionary({"Type": pdfdoc.PDFName("MCR"), "Pg": pages[page], "MCID": number}))
    dictionary["K"] = pdfdoc.PDFArray(kids)
    return reference
