"""What a file really is, by its bytes, and the same file without what it tells of its maker (notes: security 1.32).

The name and the type that came with a file decide nothing. Parsers are our own and small: they copy what a picture
consists of and leave out what rides along (places, cameras, comments, anything behind the end), so that a file which is
two things at once comes out as one.
"""

import io
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator

MEDIA = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "heic": "image/heic",
    "txt": "text/plain; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}

MAX_UNPACKED = 100 * 1024 * 1024
MAX_ESCAPES = 100_000
MAX_ENTRIES = 2000
MAX_RATIO = 300  # of one packed entry of a megabyte or more; text rarely passes 30


class Refused(Exception):
    """The file is not taken; the argument is a code: type_not_allowed, damaged, encrypted, active_content."""


def cleaned(content: bytes) -> tuple[str, bytes]:
    """The type (a key of MEDIA) and the bytes to keep. Raises Refused."""
    kind = _kind(content)
    try:
        return kind, _CLEAN[kind](content)
    except (struct.error, IndexError, ValueError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise Refused("damaged") from None


def _kind(content: bytes) -> str:
    if content.startswith(b"%PDF-"):
        return "pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content[4:8] == b"ftyp" and content[8:12] in (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"):
        return "heic"
    if content.startswith(b"PK\x03\x04"):
        return "docx"
    return "txt"


# ---- PDF: unchanged, if nothing in it acts ----

_ACTS = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|GoToE|SubmitForm|ImportData)(?![A-Za-z0-9])")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_BYTES = {b"%02x" % value: bytes([value]) for value in range(256)}
_STREAM = re.compile(rb"(?<!end)stream[ \t]*\r?\n?")
_PACKED = re.compile(rb"/ObjStm(?![A-Za-z0-9])")
_FILTERS = re.compile(rb"/(?:[A-Za-z0-9]+Decode|Fl|LZW|AHx|A85|RL|Crypt)(?![A-Za-z0-9])")
_PREDICTED = re.compile(rb"/(?:Predictor|DecodeParms|DP)(?![A-Za-z0-9])")
_PAIRS = re.compile(rb"\s*\d+\s+\d+\s")  # how an object stream begins: number and place of each object


def _pdf(content: bytes) -> bytes:
    if b"%%EOF" not in content[-2048:]:
        raise Refused("damaged")
    names = _Names()
    plain = names.plain(content)
    if re.search(rb"/Encrypt(?![A-Za-z])", plain):
        raise Refused("encrypted")  # nobody can look inside
    packed = _object_streams(content, names) if _PACKED.search(plain) else ()
    if _ACTS.search(plain) or any(_ACTS.search(names.plain(part)) for part in packed):
        raise Refused("active_content")
    return content


class _Names:
    """Names of one file in their plain spelling: /J#61vaScript is /JavaScript (ISO 32000-1 7.3.5).

    Writers escape a space here and there, and pictures hold one such sign in ten thousand bytes by chance; a file of
    nothing else would keep the worker busy for ten seconds, so that there is a bound for all parts together.
    """

    def __init__(self) -> None:
        self.left = MAX_ESCAPES

    def plain(self, part: bytes) -> bytes:
        """This part with its escapes undone. Raises Refused past the bound."""
        plain, count = _ESCAPED.subn(lambda found: _BYTES[found[1].lower()], part, count=self.left + 1)
        self.left -= count
        if self.left < 0:
            raise Refused("damaged")
        return plain


def _object_streams(content: bytes, names: _Names) -> Iterator[bytes]:
    """Objects that are packed into streams hide their names; unpacked, up to a bound. One that is not packed in the
    one way of all common writers cannot be looked into, so its file is refused."""
    left, before = MAX_UNPACKED, 0
    for found in _STREAM.finditer(content):
        head, before = names.plain(content[before : found.start()]), found.end()
        if not _PACKED.search(head):
            continue
        packed = zlib.decompressobj()
        end = content.find(b"endstream", found.end())
        part = packed.decompress(content[found.end() : end], left)
        left -= len(part)
        one = _FILTERS.findall(head) == [b"/FlateDecode"] and not _PREDICTED.search(head)
        whole = packed.eof and len(packed.unused_data) <= 8  # else its end is somewhere else than it says
        if left <= 0 or not one or not whole or not _PAIRS.match(part):
            raise Refused("damaged")
        yield part


# ---- pictures ----

# What a PNG may say besides its pixels: colours, gamma, resolution, transparency. No texts, no Exif, no dates.
_PNG_KEPT = {
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"bKGD", b"pHYs",
}  # fmt: skip


def _png(content: bytes) -> bytes:
    kept, at = [content[:8]], 8
    names: list[bytes] = []
    while not names or names[-1] != b"IEND":
        (length,) = struct.unpack_from(">I", content, at)
        name, end = content[at + 4 : at + 8], at + 12 + length
        if end > len(content) or zlib.crc32(content[at + 4 : end - 4]) != struct.unpack_from(">I", content, end - 4)[0]:
            raise Refused("damaged")
        if name in _PNG_KEPT:
            kept.append(content[at:end])
        names.append(name)
        at = end
    if names[0] != b"IHDR" or b"IDAT" not in names:
        raise Refused("damaged")
    return b"".join(kept)


_NEXT_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")  # not a stuffed byte, not a restart within the same scan
_ICC, _ADOBE = b"ICC_PROFILE\0", b"Adobe"


def _jpeg(content: bytes) -> bytes:
    kept, at, seen_scan = [content[:2]], 2, False
    while True:
        while content[at] == 0xFF and content[at + 1] == 0xFF:
            at += 1
        if content[at] != 0xFF:
            raise Refused("damaged")
        marker = content[at + 1]
        if marker == 0xD9:  # what stands behind the end is not part of the picture
            break
        (length,) = struct.unpack_from(">H", content, at + 2)
        segment = content[at : at + 2 + length]
        if length < 2 or len(segment) != 2 + length:
            raise Refused("damaged")
        at += 2 + length
        if (wanted := _kept_segment(marker, segment)) is not None:
            kept.append(wanted)
        if marker == 0xDA:
            found = _NEXT_MARKER.search(content, at)
            if found is None:
                raise Refused("damaged")
            kept.append(content[at : found.start()])
            at, seen_scan = found.end() - 2, True
    if not seen_scan:
        raise Refused("damaged")
    return b"".join([*kept, b"\xff\xd9"])


def _kept_segment(marker: int, segment: bytes) -> bytes | None:
    body = segment[4:]
    if marker == 0xE1 and body.startswith(b"Exif\0\0"):
        return _only_orientation(body[6:])
    if marker == 0xE2:
        return segment if body.startswith(_ICC) else None
    if marker == 0xEE:
        return segment if body.startswith(_ADOBE) else None
    return None if 0xE1 <= marker <= 0xEF or marker == 0xFE else segment


def _only_orientation(tiff: bytes) -> bytes | None:
    """How a phone was held is needed to show its picture upright; nothing else of the Exif block is."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return None
    (first,) = struct.unpack_from(order + "I", tiff, 4)
    if first + 2 > len(tiff):
        return None
    (count,) = struct.unpack_from(order + "H", tiff, first)
    for number in range(count):
        entry = tiff[first + 2 + 12 * number : first + 14 + 12 * number]
        if len(entry) < 12:
            return None
        tag, kind, values, value = struct.unpack(order + "HHIH2x", entry)
        if (tag, kind, values) == (0x0112, 3, 1) and 1 <= value <= 8:
            block = b"Exif\0\0" + struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, value, 0, 0)
            return b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    return None


# ---- HEIC: a box of items; the bytes of its Exif and XMP items are blanked where they stand ----


def _boxes(content: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, begin, end) of each box's content (ISO/IEC 14496-12)."""
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", content, at + 8), 16
        size = end - at if size == 0 else size
        if size < head or at + size > end:
            raise Refused("damaged")
        yield name, at + head, at + size
        at += size
    if at != end:
        raise Refused("damaged")


def _heic(content: bytes) -> bytes:
    meta = next(((b, e) for name, b, e in _boxes(content, 0, len(content)) if name == b"meta"), None)
    if meta is None:
        raise Refused("damaged")
    inside = {name: (b, e) for name, b, e in _boxes(content, meta[0] + 4, meta[1])}
    if b"iinf" not in inside or b"iloc" not in inside:
        raise Refused("damaged")
    told = {item for item, kind in _item_kinds(content, *inside[b"iinf"]) if kind in (b"Exif", b"mime", b"uri ")}
    blank = bytearray(content)
    data = inside.get(b"idat")
    for item, method, begin, length in _item_places(content, inside[b"iloc"][0]):
        if item not in told:
            continue
        begin += data[0] if method == 1 and data else 0
        if method > 1 or not 0 <= begin <= begin + length <= len(content):
            raise Refused("damaged")
        blank[begin : begin + length] = bytes(length)
    return bytes(blank)


def _item_kinds(content: bytes, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    wide = content[begin] > 0
    for name, at, _ in _boxes(content, begin + (8 if wide else 6), end):
        if name != b"infe" or content[at] < 2:
            continue
        id_size = 2 if content[at] == 2 else 4
        yield int.from_bytes(content[at + 4 : at + 4 + id_size], "big"), content[at + 6 + id_size : at + 10 + id_size]


def _item_places(content: bytes, at: int) -> Iterator[tuple[int, int, int, int]]:
    """(item, construction method, offset, length) of every extent."""

    def number(size: int) -> int:
        nonlocal at
        at += size
        if at > len(content):
            raise Refused("damaged")
        return int.from_bytes(content[at - size : at], "big")

    version = content[at]
    at += 4
    sizes = number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(number(2 if version < 2 else 4)):
        item = number(2 if version < 2 else 4)
        method = number(2) & 15 if version else 0
        number(2)  # data reference: this file
        base = number(base_size)
        for _ in range(number(2)):
            if version and index_size:
                number(index_size)
            offset, length = number(offset_size), number(length_size)
            yield item, method, base + offset, length


# ---- Word ----

_ACTIVE_ENTRY = re.compile(r"(?i)vbaproject|vbadata|/activex/|/embeddings/|\.(?:bin|exe|dll|js|vbs|hta|bat|cmd|ps1)$")
# What a part may be to another one, by the last word of its type: programs, and documents within the document.
_ACTIVE = {"vbaproject", "wordvbadata", "oleobject", "package", "control", "activexcontrolbinary", "afchunk"}
_REMOTE = {"attachedtemplate", "oleobject", "frame", "subdocument"}  # fetched when it is opened


def _docx(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        entries = packed.infolist()
        names = {entry.filename for entry in entries}
        if not {"[Content_Types].xml", "word/document.xml"} <= names:
            raise Refused("type_not_allowed")
        _bounded(entries)
        if any(_ACTIVE_ENTRY.search(name) for name in names):
            raise Refused("active_content")
        for entry in entries:  # names of parts are compared without case (ECMA-376 part 2, 6.2.2.3)
            name = entry.filename.lower()
            if name == "[content_types].xml":
                _each_element(_member(packed, entry), _require_no_macro)
            elif name.endswith(".rels"):
                _each_element(_member(packed, entry), _require_harmless)
    return content


def _require_no_macro(kind: dict[str, str]) -> None:
    if re.search(r"(?i)macroenabled|vbaproject", kind.get("ContentType", "")):
        raise Refused("active_content")


def _require_harmless(relationship: dict[str, str]) -> None:
    what = relationship.get("Type", "").strip().rpartition("/")[2].lower()
    elsewhere = relationship.get("TargetMode", "").strip().lower() == "external"
    if what in _ACTIVE or (elsewhere and what in _REMOTE):
        raise Refused("active_content")


def _each_element(text: bytes, look: Callable[[dict[str, str]], None]) -> None:
    """Show the attributes of every element, read as whoever opens the file does: any quotes, prefixes and encoding."""
    from xml.parsers import expat

    def doctype(*_: object) -> None:  # none is allowed here (ECMA-376 part 2, 6.1.4), and it could spell names anew
        raise Refused("active_content")

    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _, told: look(told)
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, LookupError):
        raise Refused("damaged") from None


def _bounded(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Refused("damaged")
    for entry in entries:
        if entry.flag_bits & 1:
            raise Refused("encrypted")
        if entry.filename.startswith(("/", "\\")) or ".." in entry.filename.split("/"):
            raise Refused("damaged")
        if entry.file_size > 1024 * 1024 and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
            raise Refused("damaged")


def _member(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > 10 * 1024 * 1024:
        raise Refused("damaged")
    with packed.open(entry) as file:
        return file.read(10 * 1024 * 1024 + 1)


def unpacked(kind: str, content: bytes) -> Iterator[bytes]:
    """What a scanner should see besides the file itself: the entries of a packed one, whose sizes were bounded."""
    if kind != "docx":
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for entry in packed.infolist():
            try:
                with packed.open(entry) as file:
                    yield file.read(entry.file_size + 1)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
                raise Refused("damaged") from None


# ---- plain text ----

_MARKUP = re.compile(r"(?is)\s*(?:<\?xml|<!doctype|<html|<svg|<script|<body|<head|<iframe|#!|mz)")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")


def _text(content: bytes) -> bytes:
    """UTF-8, whatever of the usual ways it was written in; bytes that are no text are no allowed type."""
    wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(content[:2])
    try:
        text = content[2:].decode(wide) if wide else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("type_not_allowed") from None
    if not text.strip() or _NO_TEXT.search(text) or _MARKUP.match(text):
        raise Refused("type_not_allowed")
    return text.encode()


_CLEAN = {"pdf": _pdf, "png": _png, "jpg": _jpeg, "heic": _heic, "docx": _docx, "txt": _text}


# ---- names ----

_SIGNS = re.compile(r'[<>:"/\\|?*]')


def name_of(given: str, kind: str) -> str:
    """A file name to show: no folders, no control or direction characters, at most 100, ending in what the file is.

    >>> name_of("../../a\\u202efdp.exe", "pdf")
    'afdp.pdf'
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    plain = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    stem = plain.rpartition(".")[0] if re.search(r"\.[A-Za-z0-9]{1,5}$", plain) else plain
    stem = re.sub(r"\s+", " ", _SIGNS.sub("_", stem)).strip(" ._")[:100].rstrip(" .")
    return f"{stem or 'file'}.{kind}"
