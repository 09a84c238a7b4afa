"""How long a signed form takes to become a sealed PDF: `python -m benchmarks.sealing`.

CPU milliseconds, the median of 15 runs in one warm process: rendering, sealing with a KMS key by moto (which makes real
RSA signatures, and does what AWS would do on its own machines), and verifying. Beside it the same words drawn with
reportlab's canvas alone, in Helvetica: no fonts embedded, no shaping, no tags. The goal is 100 ms for render and seal
of a full intake questionnaire (DESIGN.md, Performance)."""

import io
import os
import statistics
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from infra.package import PLACEHOLDERS

for _name, _value in PLACEHOLDERS.items():
    os.environ.setdefault(_name, _value)
os.environ.update(AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="benchmark", AWS_SECRET_ACCESS_KEY="benchmark")

import boto3  # noqa: E402
from moto import mock_aws  # noqa: E402
from reportlab.pdfgen.canvas import Canvas  # noqa: E402

from chalicelib import forms  # noqa: E402
from chalicelib.adapters import seal as sealing  # noqa: E402
from chalicelib.adapters.pdf import Item, Section, Signature, SignedForm, render  # noqa: E402
from chalicelib.services import answers  # noqa: E402

AT = datetime(2026, 11, 24, 19, 14, 9, tzinfo=UTC)
RUNS = 15
WORDS = "I have slept badly since the spring, and the days at work feel longer than they used to. "


def answered(form: forms.Form, scale: int) -> dict[str, Any]:
    """An answer to every question; long texts of `scale` sentences."""
    made: dict[str, Any] = {}
    for section in form["sections"]:
        for field in section["fields"]:
            kind = field["type"]
            options = [option["id"] for option in field.get("options", [])]
            made[field["id"]] = {
                "long": (WORDS * scale)[: field.get("max", 10_000)],
                "date": "1991-04-03",
                "choice": options[-1] if options else None,
                "choices": options[:4],
                "yesno": True,
                "agree": True,
                "number": field.get("min", 7),
                "scale": 7,
                "initials": "MG",
                "table": [{column["id"]: "Twenty letters here" for column in field.get("columns", [])}] * 4,
            }.get(kind, "A short answer")
    return made


def document(form_id: str, scale: int = 4) -> SignedForm:
    """A standard form, answered and signed."""
    form = forms.load(form_id, forms.CURRENT)
    facts = answers.Facts(age=None, today=date(2026, 11, 24))
    parts = answers.transcript(form, answered(form, scale), [], facts)
    sections = [
        Section(part["title"], part["skipped"], None, [_item(item) for item in part["items"]]) for part in parts
    ]
    signature = Signature(
        "Maria García-López", "Maria García-López", "self", "drawn", [[[i * 8, 150 + i % 7 * 20] for i in range(120)]],
        AT, "America/New_York", "203.0.113.42", "Phone", "Password", "account", "session", "1", "I sign this form.",
    )  # fmt: skip
    return SignedForm(
        "Oak Street Therapy", form["title"], "1", "a" * 64, "b" * 64, "Maria García-López",
        "01JDF8ZQ4T8V0X6K2M3N4P5Q6S", sections, [signature], [("Form sent", AT), ("Form signed", AT)],
        "https://portal.example/verify", "America/New_York",
    )  # fmt: skip


def _item(item: answers.Item) -> Item:
    if item["kind"] == "info":
        return Item(item["label"], "info", None, None, item["value"])
    return Item(item["label"], item["kind"], item["value"], item.get("columns"))  # type: ignore[arg-type]


def plain(signed: SignedForm) -> bytes:
    """The same words with reportlab's canvas and nothing else."""
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=1, invariant=1)
    canvas.setFont("Helvetica", 10)
    height = 720
    for section in signed.sections:
        for item in section.items:
            for line in textwrap.wrap(f"{item.label} {item.value} {item.blocks or ''}", 95):
                canvas.drawString(60, height, line)
                height -= 15
                if height < 60:
                    canvas.showPage()
                    canvas.setFont("Helvetica", 10)
                    height = 720
    canvas.save()
    return out.getvalue()


def cpu(work: Callable[[], bytes]) -> tuple[float, bytes]:
    """Median CPU milliseconds of the whole process, and the result."""
    result = work()
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        result = work()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times), result


def main() -> None:
    """Prints one line a document."""
    with mock_aws():
        clients: dict[str, Any] = {name: boto3.client(name, region_name="us-east-1") for name in ("kms", "s3")}
        key = clients["kms"].create_key(KeySpec="RSA_3072", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        sealing.client = clients.__getitem__
        sealing.settings = SimpleNamespace(  # type: ignore[assignment]
            seal_key_id=key, keys_bucket="keys", seal_certificate_key="seal/certificate.pem"
        )
        clients["s3"].create_bucket(Bucket="keys")
        pem = sealing.certificate_for(clients["kms"], key, "Benchmark", AT)
        clients["s3"].put_object(Bucket="keys", Key="seal/certificate.pem", Body=pem)
        start = time.process_time()
        sealing.seal(render(document(forms.STANDARD[0])), signed_at=AT)
        print(f"first document of a process, with the imports: {(time.process_time() - start) * 1000:.0f} ms CPU")
        print(
            f"{'document':<44}{'pages':>6}{'chars':>8}{'KB':>6}{'render':>8}{'seal':>7}{'sum':>7}{'verify':>8}{'canvas':>8}{'ratio':>7}"
        )
        for name, scale in [*((form_id, 4) for form_id in forms.STANDARD), (forms.STANDARD[0], 25)]:
            _measure(f"{name}{' (long answers)' if scale > 4 else ''}", document(name, scale))


def _measure(name: str, signed: SignedForm) -> None:
    rendering, pdf = cpu(lambda: render(signed))
    signing, sealed = cpu(lambda: sealing.seal(pdf, signed_at=AT))
    verifying, _ = cpu(lambda: bytes(sealing.verify(sealed).intact))
    drawing, _ = cpu(lambda: plain(signed))
    chars = sum(len(f"{item.label}{item.value or ''}{item.blocks or ''}") for s in signed.sections for item in s.items)
    pages = pdf.count(b"/Type /Page\n")
    print(
        f"{name:<44}{pages:>6}{chars:>8}{len(sealed) // 1024:>6}{rendering:>8.1f}{signing:>7.1f}"
        f"{rendering + signing:>7.1f}{verifying:>8.1f}{drawing:>8.1f}{rendering / drawing:>7.1f}"
    )


if __name__ == "__main__":
    main()
