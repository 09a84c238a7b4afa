"""The seal: what we sealed is known again, whatever else a file is, and whoever made it."""

import io
import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from moto import mock_aws

from infra.package import PLACEHOLDERS

for _name, _value in PLACEHOLDERS.items():
    os.environ.setdefault(_name, _value)
os.environ.setdefault("AWS_REGION", "us-east-1")

from chalicelib.adapters import seal as sealing  # noqa: E402
from chalicelib.adapters.pdf import Item, Section, Signature, SignedForm, render  # noqa: E402

AT = datetime(2026, 11, 24, 19, 14, 9, tzinfo=UTC)
BUCKET = "seal-test-keys"
CURRENT = "seal/certificate.pem"


def _document() -> SignedForm:
    signed = Signature(
        "Ada Fictional", "Ada Fictional", "self", "typed", None, AT, "America/New_York", "203.0.113.1", "Phone",
        "Password", "account", "session", "1", "I sign.",
    )  # fmt: skip
    sections = [Section("About you", items=[Item("Name", "answer", "Ada Fictional 😊 שלום")])]
    return SignedForm(
        "Oak", "Intake", "1", "a" * 64, "b" * 64, "Ada Fictional", "01JDF8ZQ4T8V0X6K2M3N4P5Q6S", sections, [signed],
        [("Form signed", AT)], "https://portal.example/verify", "America/New_York",
    )  # fmt: skip


@pytest.fixture(scope="module")
def cloud() -> Iterator[SimpleNamespace]:
    """A seal key, its certificate in the keys bucket, and `seal` looking there."""
    old = {name: os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    patch = pytest.MonkeyPatch()
    with mock_aws():
        clients = {name: boto3.client(name, region_name="us-east-1") for name in ("kms", "s3")}
        world = SimpleNamespace(kms=clients["kms"], s3=clients["s3"], key=_key(clients["kms"]))
        world.settings = SimpleNamespace(seal_key_id=world.key, keys_bucket=BUCKET, seal_certificate_key=CURRENT)
        patch.setattr(sealing, "client", clients.__getitem__)
        patch.setattr(sealing, "settings", world.settings)
        sealing.forget_certificates()
        world.s3.create_bucket(Bucket=BUCKET)
        world.certificate = sealing.certificate_for(world.kms, world.key, "Client Portal, test", AT)
        world.s3.put_object(Bucket=BUCKET, Key=CURRENT, Body=world.certificate)
        world.plain = render(_document())
        world.sealed = sealing.seal(world.plain, signed_at=AT)
        yield world
    patch.undo()
    sealing.forget_certificates()
    for name, value in old.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _key(kms: Any) -> str:
    return str(kms.create_key(KeySpec="RSA_3072", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"])


def test_a_sealed_file_is_intact_and_ours(cloud: SimpleNamespace) -> None:
    verdict = sealing.verify(cloud.sealed)
    assert (verdict.intact, verdict.sealed_by_us, verdict.sealed_at, verdict.reason) == (True, True, AT, None)
    assert len(verdict.sha256) == 64
    assert cloud.sealed.startswith(cloud.plain)


def test_the_seal_certifies_and_allows_no_changes(cloud: SimpleNamespace) -> None:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.fields import MDPPerm

    (signature,) = PdfFileReader(io.BytesIO(cloud.sealed)).embedded_signatures
    assert signature.docmdp_level == MDPPerm.NO_CHANGES
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.field_name == sealing.FIELD


def test_the_seal_states_the_time_it_is_told(cloud: SimpleNamespace) -> None:
    at = datetime(2031, 2, 28, 23, 59, 59, tzinfo=UTC)
    assert sealing.verify(sealing.seal(cloud.plain, signed_at=at, location="Portland")).sealed_at == at


def test_any_flipped_bit_is_noticed(cloud: SimpleNamespace) -> None:
    chosen = random.Random(2)
    tail = range(len(cloud.plain), len(cloud.sealed))  # the signature, its padding and the cross-references
    places = {*chosen.sample(range(len(cloud.sealed)), 250), *chosen.sample(tail, 250), 0, 5, len(cloud.sealed) - 1}
    for place in sorted(places):
        bad = bytearray(cloud.sealed)
        bad[place] ^= 1 << chosen.randrange(8)
        verdict = sealing.verify(bytes(bad))
        assert not verdict.intact, place
        assert verdict.reason in ("changed", "not_a_pdf", "not_sealed", "unknown_seal")


def test_every_byte_of_the_signature_itself_counts(cloud: SimpleNamespace) -> None:
    """The container's unsigned parts, the case of its hexadecimal digits and its padding are fixed, too."""
    (place, _) = sealing._seals(cloud.sealed)[0]  # type: ignore[index]
    _, before, after, _ = place
    for offset in range(before, after, 3):
        bad = bytearray(cloud.sealed)
        digit = chr(bad[offset])
        bad[offset] = ord(digit.lower() if digit in "ABCDEF" else "1" if digit == "0" else "0")
        assert not sealing.verify(bytes(bad)).intact, offset


def test_truncation_and_appending_are_noticed(cloud: SimpleNamespace) -> None:
    for end in (0, 3, 100, len(cloud.plain), len(cloud.plain) + 200, len(cloud.sealed) - 500, len(cloud.sealed) - 1):
        assert not sealing.verify(cloud.sealed[:end]).intact
    assert sealing.verify(cloud.plain).reason == "not_sealed"
    for extra in (b"\n", b" ", b"%%EOF", b"\0" * 100, cloud.sealed):
        verdict = sealing.verify(cloud.sealed + extra)
        assert (verdict.intact, verdict.sealed_by_us, verdict.reason) == (False, True, "changed")


def test_an_incremental_update_is_noticed(cloud: SimpleNamespace) -> None:
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(cloud.sealed))
    writer.root["/Note"] = generic.TextStringObject("x")
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    verdict = sealing.verify(out.getvalue())
    assert (verdict.intact, verdict.sealed_by_us, verdict.reason) == (False, True, "changed")


def _foreign(cloud: SimpleNamespace, pdf: bytes, certificate: bytes | None = None) -> bytes:
    """The file signed by someone else, with our code."""
    patch = pytest.MonkeyPatch()
    key = _key(cloud.kms)
    pem = certificate or sealing.certificate_for(cloud.kms, key, "Somebody else", AT)
    cloud.s3.put_object(Bucket=BUCKET, Key="elsewhere/certificate.pem", Body=pem)
    settings = SimpleNamespace(seal_key_id=key, keys_bucket=BUCKET, seal_certificate_key="elsewhere/certificate.pem")
    sealing.forget_certificates()
    patch.setattr(sealing, "settings", settings)
    if certificate:
        patch.setattr(sealing, "_authentic", lambda *_: True)
    try:
        return sealing.seal(pdf, signed_at=AT)
    finally:
        patch.undo()
        sealing.forget_certificates()


def test_a_foreign_seal_is_not_ours(cloud: SimpleNamespace) -> None:
    verdict = sealing.verify(_foreign(cloud, cloud.plain))
    assert (verdict.intact, verdict.sealed_by_us, verdict.reason) == (False, False, "unknown_seal")


def test_our_certificate_on_another_key_is_not_ours(cloud: SimpleNamespace) -> None:
    """Anyone can copy the certificate out of a sealed file."""
    verdict = sealing.verify(_foreign(cloud, cloud.plain, cloud.certificate))
    assert not verdict.intact
    assert verdict.reason == "changed"


def test_a_key_without_its_certificate_seals_nothing(cloud: SimpleNamespace) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(cloud.settings, "seal_key_id", _key(cloud.kms))
    with pytest.raises(sealing.SealError):
        sealing.seal(cloud.plain, signed_at=AT)
    patch.undo()


def test_a_replaced_certificate_is_read_again(cloud: SimpleNamespace) -> None:
    """A process that sealed before keeps working when key and certificate change under it."""
    patch = pytest.MonkeyPatch()
    fresh = _key(cloud.kms)
    assert sealing.verify(cloud.sealed).intact
    pem = sealing.certificate_for(cloud.kms, fresh, "Client Portal, test", AT)
    cloud.s3.put_object(Bucket=BUCKET, Key=CURRENT, Body=pem)
    patch.setattr(cloud.settings, "seal_key_id", fresh)
    assert sealing.verify(sealing.seal(cloud.plain, signed_at=AT)).intact
    patch.undo()
    cloud.s3.put_object(Bucket=BUCKET, Key=CURRENT, Body=cloud.certificate)
    assert sealing.verify(cloud.sealed).intact


def test_seals_of_earlier_keys_stay_good_and_removed_ones_do_not(cloud: SimpleNamespace) -> None:
    patch = pytest.MonkeyPatch()
    fresh = _key(cloud.kms)
    pem = sealing.certificate_for(cloud.kms, fresh, "Client Portal, test", AT + timedelta(days=365))
    cloud.s3.put_object(Bucket=BUCKET, Key="seal/2027.pem", Body=pem)
    patch.setattr(cloud.settings, "seal_key_id", fresh)
    patch.setattr(cloud.settings, "seal_certificate_key", "seal/2027.pem")
    sealing.forget_certificates()
    newer = sealing.seal(cloud.plain, signed_at=AT + timedelta(days=400))
    assert sealing.verify(newer).intact
    assert sealing.verify(cloud.sealed).intact
    patch.undo()
    cloud.s3.delete_object(Bucket=BUCKET, Key="seal/2027.pem")
    assert sealing.verify(newer).reason == "unknown_seal"
    assert sealing.verify(cloud.sealed).intact


def test_a_file_stays_intact_after_its_certificate_ran_out(cloud: SimpleNamespace) -> None:
    """Nothing here reads the machine's clock; what ends the trust in a certificate is taking it out of the bucket."""
    from asn1crypto import pem, x509

    certificate = x509.Certificate.load(pem.unarmor(cloud.certificate)[2])
    validity = certificate["tbs_certificate"]["validity"]
    assert validity["not_before"].native <= AT < validity["not_after"].native
    assert validity["not_after"].native.year == AT.year + 12
    assert sealing.verify(sealing.seal(cloud.plain, signed_at=datetime(2050, 1, 1, tzinfo=UTC))).intact


def test_the_certificate_is_signed_by_its_own_key_and_good_for_nothing_else(cloud: SimpleNamespace) -> None:
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(cloud.certificate)
    certificate.verify_directly_issued_by(certificate)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.content_commitment, usage.key_cert_sign) == (True, True, False)
    assert certificate.public_key().key_size == 3072  # type: ignore[union-attr]
    assert sealing.certificate_for(cloud.kms, cloud.key, "Client Portal, test", AT) == cloud.certificate


HOSTILE = {
    "empty": b"",
    "text": b"hello",
    "png": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "head only": b"%PDF-1.7\n",
    "late head": b"\0" * 2000 + b"%PDF-1.7\n",
    "encrypted": b"%PDF-1.7\n1 0 obj<</Filter/Standard/V 5>>endobj\ntrailer<</Encrypt 1 0 R/Root 2 0 R>>\n%%EOF",
    "script": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(while(1){})>>>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    "range of nothing": b"%PDF-1.7\n/ByteRange [0 0 0 0]",
    "range beyond": b"%PDF-1.7\n/ByteRange [0 9999999999 9999999999 9999999999]",
    "range backwards": b"%PDF-1.7\n/ByteRange [0 40 10 10]<00>" + b" " * 50,
    "many ranges": b"%PDF-1.7\n" + b"/ByteRange [0 9 5000000 1]" * 200_000,
    "many objects": b"%PDF-1.7\n" + b"1 0 obj<<>>endobj\n" * 300_000 + b"/ByteRange [0 1 2 3]",
    "deep": b"%PDF-1.7\n" + b"[" * 2_000_000 + b"/ByteRange [0 1 2 3]",
    "deep asn1": b"%PDF-1.7\n/ByteRange [0 40 20042 1]    ".ljust(40) + b"<" + b"30" * 10_000 + b">" + b"x",
    "spaces": b"%PDF-1.7\n" + b"/ByteRange" + b" " * 5_000_000,
    "digits": b"%PDF-1.7\n" + b"/ByteRange [" + b"1 " * 2_500_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_quickly(cloud: SimpleNamespace, name: str) -> None:
    start = time.process_time()
    verdict = sealing.verify(HOSTILE[name])
    assert time.process_time() - start < 3
    assert not verdict.intact
    assert not verdict.sealed_by_us
    assert verdict.reason in ("not_a_pdf", "not_sealed", "changed")


@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=4000), st.booleans())
def test_random_bytes_never_raise(cloud: SimpleNamespace, data: bytes, headed: bool) -> None:
    assert not sealing.verify(b"%PDF-1.7\n" + data if headed else data).intact


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_random_damage_never_raises_and_never_passes(cloud: SimpleNamespace, data: st.DataObject) -> None:
    """Bytes replaced, removed or put in, in the part that holds the signature."""
    sealed = cloud.sealed
    start = data.draw(st.integers(len(cloud.plain), len(sealed) - 1))
    size = data.draw(st.integers(0, 40))
    damaged = sealed[:start] + data.draw(st.binary(max_size=40)) + sealed[start + size :]
    assert sealing.verify(damaged).intact == (damaged == sealed)
