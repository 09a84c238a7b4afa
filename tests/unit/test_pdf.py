"""The signed form as a PDF: everything typed is shown, as typed, and nothing of it is anything but text."""

import dataclasses
import hashlib
import io
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.adapters import typesetting
from chalicelib.adapters.pdf import Item, Section, Signature, SignedForm, render

AT = datetime(2026, 11, 24, 19, 14, 5, tzinfo=UTC)

SCRIPTS = {
    "Latin": "Łódź, naïve façade, Đặng Thị Hồng, İstanbul, straße",
    "Cyrillic": "Мне трудно засыпать по ночам, Київ",
    "Greek": "Δυσκολεύομαι να κοιμηθώ τη νύχτα",
    "Chinese": "我晚上很难入睡，工作压力很大。開業醫療",
    "Japanese": "夜眠れません。カウンセリングを受けたいです。",
    "Korean": "밤에 잠을 잘 수 없습니다",
    "Devanagari": "मुझे रात को नींद नहीं आती। क्षत्रिय कि हिन्दी",
    "Thai": "ฉันนอนไม่หลับตอนกลางคืน น้ำ กำลัง",
    "Tamil": "எனக்கு இரவில் தூக்கம் வரவில்லை",
    "Bengali": "আমার রাতে ঘুম আসে না",
    "Gujarati": "મને રાત્રે ઊંઘ આવતી નથી",
    "Gurmukhi": "ਮੈਨੂੰ ਰਾਤ ਨੂੰ ਨੀਂਦ ਨਹੀਂ ਆਉਂਦੀ",
    "Telugu": "నాకు రాత్రి నిద్ర పట్టదు",
    "Kannada": "ನನಗೆ ರಾತ್ರಿ ನಿದ್ರೆ ಬರುವುದಿಲ್ಲ",
    "Malayalam": "എനിക്ക് രാത്രി ഉറക്കം വരുന്നില്ല",
    "Sinhala": "මට රාත්‍රියේ නින්ද යන්නේ නැහැ",
    "Khmer": "ខ្ញុំគេងមិនលក់នៅពេលយប់",
    "Lao": "ຂ້ອຍນອນບໍ່ຫຼັບ",
    "Burmese": "ညဘက်အိပ်မပျော်ဘူး",
    "Amharic": "ሌሊት መተኛት አልችልም",
    "Georgian": "ღამით ვერ ვიძინებ",
    "Armenian": "Ես գիշերը չեմ կարողանում քնել",
    "Cherokee": "ᏥᏍᏆᎵᏍᎦ",
    "Emoji": "Fine 🙂 then 😢😢 👩‍👩‍👧 👍🏽 🇺🇸 ❤️",
    "Symbols": "✓ ☐ ☎ ★ → ≤ ∞ € £",
}
RIGHT_TO_LEFT = {
    "Arabic": "أجد صعوبة في النوم والعمل مرهق",
    "Persian": "من شب‌ها نمی‌توانم بخوابم",
    "Urdu": "مجھے رات کو نیند نہیں آتی",
    "Hebrew": "קשה לי לישון בלילה",
    "Yiddish": "איך קען נישט שלאָפֿן",
}
PAYLOADS = [
    '<img src="http://169.254.169.254/latest/meta-data/">',
    '<img src="file:///etc/passwd"/>',
    '<font color="red" size="99">red</font>',
    "<b>bold</b><i>it</i><u>un</u><br/>",
    '<para alignment="center">x</para>',
    '<a href="javascript:alert(1)">x</a>',
    '<link href="https://evil.example">x</link>',
    "<script>alert(1)</script>",
    "<svg onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "<!--#include virtual='/etc/passwd'-->",
    "<![CDATA[x]]>",
    "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "&lt;not an entity&gt; &amp; &#65; &nbsp;",
    "{{client.name}} {{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    "{% include 'x' %}",
    "%s %d %n %(x)s {0} {x!r}",
    "\\n \\r \\x41 \\u0041 \\)",
    ") Tj ET /Catalog << /OpenAction 1 0 R >>",
    "(unbalanced ( parentheses ) ) ) (",
    "endstream endobj 1 0 obj << /JS (app.alert(1)) /S /JavaScript >> endobj",
    "/Launch /F (cmd.exe) /URI (https://evil.example)",
    "<< /Type /Action /S /URI /URI (https://evil.example) >>",
    "EMC /Artifact BMC 0 0 612 792 re f",
    "trailer << /Root 1 0 R >> startxref 0 %%EOF",
    "/ByteRange [0 1 2 3]",
    '=HYPERLINK("https://evil.example")',
    "'; DROP TABLE clients; --",
    "https://evil.example/?q=1&r=2#frag",
    "mailto:someone@example.org",
    "**bold** _it_ `code` [x](https://evil.example) # head",
    "\\begin{document}\\input{/etc/passwd}",
    "[[wiki]] {curly} |pipe| ~tilde~ ^caret^",
    "........../../../../etc/passwd",
    "\ufeffstarts with a byte order mark",
    "soft\u00adhyphen and zero\u200bwidth",
    "A\u030aa\u0308 combining",
    "C:\\Windows\\System32",
    "\"quoted\" 'quoted' `quoted`",
    "a\u00a0b\u2003c\u3000d",
]


def signature(**changes: Any) -> Signature:
    made = Signature(
        name="Maria García-López",
        printed_name="Maria García-López",
        relationship="self",
        method="typed",
        strokes=None,
        signed_at=AT,
        time_zone="America/New_York",
        ip="203.0.113.42",
        device="iPhone, Safari",
        authenticated_by="Password",
        account_ref="01JDF8ZQ4T8V0X6K2M3N4P5Q6R",
        session_ref="9f2c77aa",
        disclosure_version="1",
        intent="I sign this form with my electronic signature.",
    )
    return dataclasses.replace(made, **changes)


def form(*items: Item, **changes: Any) -> SignedForm:
    made = SignedForm(
        organization="Oak Street Therapy",
        title="Standard Intake Questionnaire",
        version="3",
        form_sha256="a3" * 32,
        answers_sha256="5c" * 32,
        client_name="Maria García-López",
        document_id="01JDF8ZQ4T8V0X6K2M3N4P5Q6S",
        sections=[Section("About you", items=list(items))],
        signatures=[signature()],
        events=[("Form sent", AT), ("Form opened", AT), ("Form signed", AT)],
        verify_url="https://portal.example/verify",
        zone="America/Los_Angeles",
    )
    return dataclasses.replace(made, **changes)


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def squeezed(text: str) -> str:
    """Without white space and what no extractor keeps."""
    return re.sub(r"[\s\u00ad\u200b\ufeff]+", "", text)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("where", ["answer", "label", "client"])
def test_every_script_reads_back_as_typed(script: str, where: str) -> None:
    text = SCRIPTS[script]
    if where == "client":
        document = form(client_name=text)
    else:
        document = form(Item("Question", "answer", text) if where == "answer" else Item(text, "answer", "x"))
    shown = squeezed(text_of(render(document)))
    assert squeezed(text) in shown
    assert "[U+" not in shown


@pytest.mark.parametrize("script", RIGHT_TO_LEFT)
def test_words_from_right_to_left_read_back_as_typed(script: str) -> None:
    words = RIGHT_TO_LEFT[script].replace("\u200c", " ").split()
    shown = text_of(render(form(Item("Question", "answer", RIGHT_TO_LEFT[script]))))
    assert [word for word in words if word not in squeezed(shown)] == []
    assert "[U+" not in shown


def test_right_to_left_lines_are_ordered_shaped_and_aligned_to_the_right() -> None:
    style = typesetting.Style("text", 10, 15, (0, 0, 0))
    (line,) = typesetting.set_text("שלום ABC עולם", style, 400)
    assert line.right_to_left
    places = [atom.text for atom, _ in typesetting._placed(line)]
    assert "".join(places) == "םלוע ABC םולש"
    (joined,) = typesetting.set_text("ببب", style, 400)
    assert len({atom.glyphs[-1][0] for atom in joined.atoms}) > 1 or len({len(a.glyphs) for a in joined.atoms}) > 1


@pytest.mark.parametrize("char", ["\U00012000", "\ue000", "\x07", "\x00", "\U0010ffff", "\u202e", "\u2066", "\ud800"])
def test_what_cannot_be_shown_is_named(char: str) -> None:
    shown = text_of(render(form(Item("Question", "answer", f"before {char} after"), client_name=f"X{char}Y")))
    assert f"before □[U+{ord(char):04X}] after" in shown
    assert f"X□[U+{ord(char):04X}]Y" in shown


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markup_is_shown_literally_everywhere(payload: str) -> None:
    document = form(
        Item(payload, "answer", payload),
        Item("Info", "info", blocks=[payload, {"heading": payload}, {"list": [payload]}]),
        Item("Table", "table", [[payload]], columns=[payload]),
        Item(payload, "agree", "Agreed"),
        organization=payload,
        title=payload,
        client_name=payload,
        signatures=[
            signature(name=payload, printed_name=payload, intent=payload, device=payload, relationship=payload)
        ],
    )
    pdf = render(document)
    assert squeezed(text_of(pdf)).count(squeezed(payload)) >= 12
    assert _actions(pdf) == set()


def _actions(pdf: bytes) -> set[str]:
    """Names of anything that acts, in the objects of the file."""
    acting = {"/JavaScript", "/JS", "/OpenAction", "/AA", "/Launch", "/URI", "/Annots", "/EmbeddedFiles", "/AcroForm"}
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    found: set[str] = set()
    for number in range(1, len(reader.xref[0]) + 1):
        obj = reader.get_object(number)
        if isinstance(obj, dict):
            found |= acting & set(obj)
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300), st.text(max_size=80))
def test_any_text_at_all_makes_a_readable_pdf(answer: str, name: str) -> None:
    pdf = render(form(Item(name, "answer", answer), client_name=name, signatures=[signature(name=name)]))
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) >= 2
    assert _actions(pdf) == set()


def test_ten_thousand_characters_run_over_pages_complete_and_in_order() -> None:
    words = [f"w{number:05d}" for number in range(1428)]
    answer = " ".join(words)
    shown = text_of(render(form(Item("In your own words", "answer", answer))))
    assert len(answer) > 9_990
    assert re.findall(r"w\d{5}", shown) == words


@pytest.mark.parametrize("unit", ["x", "心", "a\u0300", "👩‍👩‍👧", "ฉัน", "ب"])
def test_ten_thousand_characters_without_a_space_stay_on_the_page(unit: str) -> None:
    count = 10_000 // len(unit)
    lines = typesetting.set_text(unit * count, typesetting.Style("text", 10, 15, (0, 0, 0)), 492)
    assert sum(len(atom.text) for line in lines for atom in line.atoms) == count * len(unit)
    assert max(line.width for line in lines) <= 492.1
    render(form(Item("In your own words", "answer", unit * count)))


def test_piled_up_marks_cover_no_other_line() -> None:
    style = typesetting.Style("text", 10, 15, (0, 0, 0))
    (line,) = typesetting.set_text("Z" + "\u0300\u0316" * 200, style, 400)
    rises = [up for atom, place in typesetting._placed(line) for _, _, up in typesetting._spots(atom, place)]
    assert max(map(abs, rises)) <= 500


def test_line_ends_in_an_answer_are_kept() -> None:
    lines = typesetting.set_text("one\ntwo\r\n\nfour", typesetting.Style("text", 10, 15, (0, 0, 0)), 400)
    assert ["".join(atom.text for atom in line.atoms) for line in lines] == ["one", "two", "", "four"]


def test_tables_break_over_pages_and_repeat_their_head() -> None:
    rows = [[f"medicine {number}", "once a day", "sleep"] for number in range(120)] + [["long", "word " * 600, ""]]
    table = Item("Medicines", "table", rows, columns=["Name of it", "Dose", "Reason"])
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render(form(table)))).pages]
    shown = "\n".join(pages)
    assert all(re.search(rf"medicine {number}\b", shown) for number in range(120))
    assert len(re.findall(r"\bword\b", shown)) == 600
    assert sum("Name of it" in page for page in pages) >= 4


def test_the_document_says_everything_that_was_agreed_to() -> None:
    blocks = ["First paragraph.", {"heading": "Limits"}, {"list": ["One.", "Two."]},
              {"table": {"columns": ["Service", "Fee"], "rows": [["Session", "$150.00"]]}}]  # fmt: skip
    document = form(
        Item("What stays between us", "info", blocks=blocks),
        Item("I have read this.", "agree", "Agreed"),
        Item("E-mail me.", "agree", "Not agreed"),
        Item("Pronouns", "answer", None),
        Item("Concerns", "answer", ["Mood", "Sleep"]),
        Item("Allergies", "table", [], columns=["What"]),
    )
    skipped = Section("Substance use", skipped=True, items=[Item("Secret question", "answer", "secret answer")])
    shown = text_of(render(dataclasses.replace(document, sections=[*document.sections, skipped])))
    for text in ("First paragraph.", "Limits", "One.", "Two.", "Fee", "$150.00", "I have read this.", "Agreed",
                 "Not agreed", "Not answered", "Mood", "Sleep", "Nothing entered", "Substance use",
                 "Left for the conversation"):  # fmt: skip
        assert text in shown
    assert "secret" not in shown.lower()


def test_the_certificate_page_holds_the_evidence() -> None:
    document = form(Item("Name", "answer", "Maria"))
    pages = pypdf.PdfReader(io.BytesIO(render(document))).pages
    last = pages[-1].extract_text()
    for text in (document.document_id, "a3" * 32, "5c" * 32, "Maria García-López", "Self", "Typed", "203.0.113.42",
                 "iPhone, Safari", "Password", "Disclosure version 1", "01JDF8ZQ4T8V0X6K2M3N4P5Q6R", "9f2c77aa",
                 "2026-11-24 19:14:05 UTC", "November 24, 2026 at 2:14 PM EST (America/New_York)",
                 "November 24, 2026 at 11:14 AM PST", "Form sent", "Form opened", "Form signed",
                 "https://portal.example/verify", f"Page {len(pages)} of {len(pages)}"):  # fmt: skip
        assert text in last
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page.extract_text()


def test_an_unknown_zone_falls_back_to_utc() -> None:
    shown = text_of(render(form(zone="Mars/Base", signatures=[signature(time_zone="../../etc/passwd")])))
    assert "2026-11-24 19:14:05 UTC" in shown


def test_a_drawn_signature_is_drawn_within_its_box() -> None:
    wild = [[[0, 0], [1000, 300]], [[-5000, 99999], [99999, -5000], [500, 150]], [[500, 150]], []]
    typed = render(form())
    drawn = render(form(signatures=[signature(method="drawn", strokes=wild)]))
    assert drawn != typed
    assert "Drawn" in text_of(drawn)
    operators = b"".join(page.get_contents().get_data() for page in pypdf.PdfReader(io.BytesIO(drawn)).pages)
    curve = re.search(rb"1\.5 w 1 J 1 j(.*?)Q", operators, re.S)
    assert curve
    points = re.findall(rb"(-?[\d.]+) (-?[\d.]+) (?=[mlc]|-?[\d.]+ )", curve.group(1))
    assert all(0 < float(x) < 612 and 0 < float(y) < 792 for x, y in points)


def test_fonts_are_embedded_subsets_and_nothing_else() -> None:
    pdf = render(form(*(Item(name, "answer", text) for name, text in SCRIPTS.items())))
    names = set()
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        for font in page["/Resources"]["/Font"].values():
            (descendant,) = font["/DescendantFonts"]
            assert descendant.get_object()["/FontDescriptor"]["/FontFile2"].get_data()[:4] == b"\0\1\0\0"
            assert font["/ToUnicode"].get_data()
            names.add(font["/BaseFont"])
    assert all(re.fullmatch(r"/[A-Z]{6}\+[A-Za-z-]+", name) for name in names)
    assert len(pdf) < 300_000


def test_the_document_is_tagged_titled_and_in_a_language() -> None:
    reader = pypdf.PdfReader(io.BytesIO(render(form(Item("Q", "answer", "A"), language="en-US"))))
    root = reader.root_object
    assert root["/Lang"] == "en-US"
    assert root["/MarkInfo"]["/Marked"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Standard Intake Questionnaire, Maria García-López"
    assert reader.metadata.author == "Oak Street Therapy"
    (top,) = [root["/StructTreeRoot"]["/K"]]
    assert [kid.get_object()["/S"] for kid in top["/K"]][:2] == ["/P", "/H1"]
    numbers = root["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    assert len(numbers) == 2 * len(reader.pages)
    assert all(page["/MediaBox"][2:] == [612, 792] for page in reader.pages)


def test_the_same_value_gives_the_same_bytes_in_every_process() -> None:
    document = form(*(Item(name, "answer", text) for name, text in (SCRIPTS | RIGHT_TO_LEFT).items()))
    once = render(document)
    assert render(document) == once
    code = (
        "import sys, pickle, hashlib; from chalicelib.adapters.pdf import render; "
        "print(hashlib.sha256(render(pickle.load(sys.stdin.buffer))).hexdigest())"
    )
    import pickle

    # A plain value travels: the class is found under its own module in the other process.
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        ran = subprocess.run(
            [sys.executable, "-c", code],
            input=pickle.dumps(document),
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": ":".join(sys.path), "LC_ALL": "C"},
            capture_output=True,
            check=True,
        )
        assert ran.stdout.decode().strip() == hashlib.sha256(once).hexdigest()


def test_rendering_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    render(form(*(Item("Q", "answer", payload) for payload in PAYLOADS)))
