"""The seal: a PAdES certification signature by a KMS key over every byte of a PDF, and the check of one.

The heavy libraries (pyHanko, cryptography) are imported when first used: the API verifies rarely, and starts often.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from chalicelib.adapters.aws import client
from chalicelib.config import settings

Reason = Literal["not_a_pdf", "not_sealed", "changed", "unknown_seal"]

FIELD = "Seal"
_ALGORITHM = "RSASSA_PKCS1_V1_5_SHA_256"
_RAW_LIMIT = 4096  # bytes that KMS hashes itself (Sign, MessageType RAW)
_SIGNATURE_BYTES = 384  # RSA_3072
_YEARS = 12  # of a certificate: the documents are kept for seven and more
_RANGE = re.compile(rb"/ByteRange\s{0,8}\[\s{0,8}(\d{1,10})" + rb"\s{1,8}(\d{1,10})" * 3 + rb"\s{0,99}\]")
_SIGNATURES_LIMIT = 64  # a title may hold the words, too
_CMS_LIMIT = 1 << 17  # characters of hexadecimal
# What asn1crypto raises on bytes that are not what they say.
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Verdict:
    """What is known of a file. `intact` is only ever true when the file is byte for byte as we sealed it;
    `sealed_by_us` when it carries a seal made with one of our certificates, also when it was changed afterwards."""

    intact: bool
    sealed_by_us: bool
    sealed_at: datetime | None
    sha256: str
    reason: Reason | None


class SealError(Exception):
    """Sealing failed for a reason that trying again does not mend."""


# ---- sealing ----------------------------------------------------------------------------------------------------


def seal(
    pdf: bytes, *, signed_at: datetime, reason: str = "Sealed by the Client Portal", location: str | None = None
) -> bytes:
    """The PDF with our seal: certified (no changes allowed), PAdES baseline B, SHA-256 with RSA by the KMS key.

    `signed_at` (aware) is the time stated in the seal. One call of KMS; raises botocore's errors when it or the keys
    bucket fails, and pyHanko's when `pdf` is not one that `pdf.render` made. Safe to repeat."""
    sealed = _sealed(pdf, signed_at, reason, location)
    if sealed is None:  # the certificate was replaced since this process read it
        forget_certificates()
        sealed = _sealed(pdf, signed_at, reason, location)
    if sealed is None:
        # The key and the certificate do not belong together, or pyHanko writes another container than we read.
        raise SealError("the seal just made does not verify")
    return sealed


def _sealed(pdf: bytes, signed_at: datetime, reason: str, location: str | None) -> bytes | None:
    """The sealed file; None when it would not be known again as ours."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    class Sealer(signers.PdfSigner):  # type: ignore[misc]
        def init_signing_session(self, *args: Any, **named: Any) -> Any:
            session = super().init_signing_session(*args, **named)
            session.system_time = signed_at.astimezone(UTC)  # the application's clock, not the machine's
            return session

    certificate = _current_certificate()
    meta = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        reason=reason,
        location=location,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )
    out = io.BytesIO()
    Sealer(meta, signer=_signer(certificate)).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
    sealed = out.getvalue()
    found = _seals(sealed) or []
    return sealed if any(_authentic(sealed, *seal, [certificate]) for seal in found) else None


def _signer(certificate: Any) -> Any:
    """A pyHanko signer whose private key never leaves KMS."""
    from pyhanko.sign import signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class KmsSigner(signers.Signer):  # type: ignore[misc]
        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            if digest_algorithm != "sha256":
                raise ValueError(f"the seal key signs SHA-256 only, not {digest_algorithm}")
            return bytes(_SIGNATURE_BYTES) if dry_run else _sign(client("kms"), settings.seal_key_id, data)

    return KmsSigner(signing_cert=certificate, cert_registry=SimpleCertificateStore(), prefer_pss=False)


def _sign(kms: Any, key_id: str, data: bytes) -> bytes:
    """KMS hashes the data itself (RAW): what it signs is what we gave it."""
    if len(data) > _RAW_LIMIT:
        raise ValueError(f"KMS signs at most {_RAW_LIMIT} bytes in RAW mode, not {len(data)}")
    answer = kms.sign(KeyId=key_id, Message=data, MessageType="RAW", SigningAlgorithm=_ALGORITHM)
    return bytes(answer["Signature"])


# ---- certificates -----------------------------------------------------------------------------------------------

_certificates: dict[str, tuple[str, list[Any]]] = {}  # by object key: its ETag, and what it holds


def forget_certificates() -> None:
    """Reads them anew at the next use: after a rotation, and between tests."""
    _certificates.clear()


def _current_certificate() -> Any:
    """The certificate of the present key."""
    key = settings.seal_certificate_key
    if key not in _certificates:
        _certificates[key] = _read(key)
    return _certificates[key][1][0]


def _trusted() -> list[Any]:
    """Our certificates, earlier ones included: every PEM file beside the present one in the keys bucket, as it is now.
    One that was taken out is trusted no more."""
    prefix = settings.seal_certificate_key.rpartition("/")[0]
    answer = client("s3").list_objects_v2(Bucket=settings.keys_bucket, Prefix=f"{prefix}/" if prefix else "")
    there = {entry["Key"]: entry["ETag"] for entry in answer.get("Contents", []) if entry["Key"].endswith(".pem")}
    for key in set(_certificates) - set(there):
        del _certificates[key]
    for key, etag in there.items():
        if key not in _certificates or _certificates[key][0] != etag:
            _certificates[key] = _read(key)
    return [certificate for _, held in _certificates.values() for certificate in held]


def _read(key: str) -> tuple[str, list[Any]]:
    from asn1crypto import pem, x509

    answer = client("s3").get_object(Bucket=settings.keys_bucket, Key=key)
    blocks = pem.unarmor(answer["Body"].read(), multiple=True)
    return answer["ETag"], [x509.Certificate.load(der) for name, _, der in blocks if name == "CERTIFICATE"]


def certificate_for(kms_client: Any, key_id: str, common_name: str, at: datetime) -> bytes:
    """A certificate for the seal key, signed by that key itself (PEM): valid for twelve years from `at` (aware).

    For document signing only: not an authority, digital signature and non-repudiation. The serial number derives from
    key and time."""
    from asn1crypto import algos, keys, pem, x509

    public = keys.PublicKeyInfo.load(kms_client.get_public_key(KeyId=key_id)["PublicKey"])
    start = at.astimezone(UTC).replace(microsecond=0)
    serial = hashlib.sha256(public.dump() + start.isoformat().encode()).digest()[:16]
    name = x509.Name.build({"common_name": common_name, "organization_name": "Client Portal"})
    algorithm = algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"})
    body = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": int.from_bytes(serial, "big") >> 1 | 1,
            "signature": algorithm,
            "issuer": name,
            "validity": x509.Validity(
                {
                    "not_before": _time(start - timedelta(hours=1)),  # a verifier's clock may be behind
                    "not_after": _time(start.replace(year=start.year + _YEARS, day=min(start.day, 28))),
                }
            ),
            "subject": name,
            "subject_public_key_info": public,
            "extensions": _extensions(public),
        }
    )
    signature = _sign(kms_client, key_id, body.dump())
    certificate = x509.Certificate(
        {"tbs_certificate": body, "signature_algorithm": algorithm, "signature_value": signature}
    )
    return bytes(pem.armor("CERTIFICATE", certificate.dump()))


def _time(moment: datetime) -> Any:
    from asn1crypto import x509

    # RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime after.
    return x509.Time({"utc_time" if moment.year < 2050 else "general_time": moment})


def _extensions(public: Any) -> list[dict[str, Any]]:
    from asn1crypto import x509

    return [
        {"extn_id": "basic_constraints", "critical": True, "extn_value": x509.BasicConstraints({"ca": False})},
        {
            "extn_id": "key_usage",
            "critical": True,
            "extn_value": x509.KeyUsage({"digital_signature", "non_repudiation"}),
        },
        {"extn_id": "key_identifier", "critical": False, "extn_value": public.sha1},
        {
            "extn_id": "authority_key_identifier",
            "critical": False,
            "extn_value": x509.AuthorityKeyIdentifier({"key_identifier": public.sha1}),
        },
    ]


# ---- verifying --------------------------------------------------------------------------------------------------


def verify(pdf: bytes) -> Verdict:
    """Whether the file is exactly as we sealed it. Never raises on what the file holds, however hostile; time and
    memory are linear in its size. Raises botocore's errors when the certificates cannot be read.

    The bytes are judged before anything parses them: only a file whose signed digest covers all of it, under one of
    our own keys, is given to pyHanko, whose bottom line decides. What anyone else made or changed is never parsed as
    a PDF."""
    digest = hashlib.sha256(pdf).hexdigest()
    if b"%PDF-" not in pdf[:1024]:
        return Verdict(False, False, None, digest, "not_a_pdf")
    found = _seals(pdf)
    if found is None:
        return Verdict(False, False, None, digest, "not_sealed")
    if not found:
        return Verdict(False, False, None, digest, "changed")
    trusted = _trusted()
    ours = [seal for seal in found if _certificate_of(seal[1], trusted) is not None]
    if not ours:
        return Verdict(False, False, None, digest, "unknown_seal")
    if any(_authentic(pdf, place, signed, trusted) for place, signed in ours):
        return _judged(pdf, digest, trusted)
    return Verdict(False, True, None, digest, "changed")


def _seals(pdf: bytes) -> list[tuple[tuple[int, ...], Any]] | None:
    """The signatures that can be read, with their byte ranges; None when the file states no byte range."""
    places = []
    for match in _RANGE.finditer(pdf):
        places.append(tuple(int(part) for part in match.groups()))
        if len(places) == _SIGNATURES_LIMIT:
            break
    if not places:
        return None
    return [(place, signed) for place in places if (signed := _signed(pdf, place)) is not None]


def _signed(pdf: bytes, place: tuple[int, ...]) -> Any | None:
    """The signature whose bytes stand in the gap of a byte range; None when nothing readable stands there."""
    from asn1crypto import cms

    start, before, after, _ = place
    gap = pdf[start + before : after]
    if not 2 < len(gap) <= _CMS_LIMIT or gap[:1] != b"<" or gap[-1:] != b">":
        return None
    try:
        content = cms.ContentInfo.load(bytes.fromhex(gap[1:-1].decode("ascii")))
        signed = content["content"]
        if content["content_type"].native != "signed_data" or len(signed["signer_infos"]) != 1:
            return None
        _ = signed["signer_infos"][0]["sid"].chosen.native
    except _MALFORMED:
        return None
    return signed


def _certificate_of(signed: Any, trusted: list[Any]) -> Any | None:
    """Our certificate that a signature names, by issuer and serial number."""
    named = signed["signer_infos"][0]["sid"].chosen.native
    for certificate in trusted:
        identity = {"issuer": certificate.issuer.native, "serial_number": certificate.serial_number}
        if isinstance(named, dict) and dict(named) == identity:
            return certificate
    return None


def _covers_all(pdf: bytes, place: tuple[int, ...]) -> bool:
    start, before, after, rest = place
    return start == 0 and before < after and after + rest == len(pdf)


def _authentic(pdf: bytes, place: tuple[int, ...], signed: Any, trusted: list[Any]) -> bool:
    """Whether a signature covers the whole file, holds its digest, is made by our key, and stands in the container
    exactly as we write it: then no byte of the file can be other than it was."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    certificate = _certificate_of(signed, trusted)
    if certificate is None or not _covers_all(pdf, place):
        return False
    _, before, after, _ = place
    hashed = hashlib.sha256(memoryview(pdf)[:before])
    hashed.update(memoryview(pdf)[after:])
    try:
        info = signed["signer_infos"][0]
        attributes = info["signed_attrs"].untag()
        signature = info["signature"].native
        digests = [a["values"][0].native for a in attributes if a["type"].native == "message_digest"]
        container = b"<" + _container(certificate, attributes, signature).hex().upper().encode()
    except _MALFORMED:
        return False
    if digests != [hashed.digest()]:
        return False
    key = serialization.load_der_public_key(certificate.public_key.dump())
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, attributes.dump(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    gap = pdf[before:after]
    return gap == container.ljust(len(gap) - 1, b"0") + b">"


def _container(certificate: Any, attributes: Any, signature: bytes) -> bytes:
    """The CMS container that holds a seal. What it holds beside the signed attributes and the signature is not covered
    by either, so nothing else than this is accepted (RFC 5652, 5.1; PAdES baseline B)."""
    from asn1crypto import cms, core

    sha256 = {"algorithm": "sha256", "parameters": core.Null()}
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {
                "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                    {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                )
            }
        ),
        "digest_algorithm": sha256,
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_rsa"},
        "signature": signature,
    }
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [sha256],
            "encap_content_info": {"content_type": "data"},
            "certificates": [certificate],
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def _judged(pdf: bytes, digest: str, trusted: list[Any]) -> Verdict:
    """pyHanko's word on bytes that we signed: valid, trusted, certified, covering everything, unchanged since."""
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    try:
        signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[-1]
        at = signature.self_reported_timestamp
        # As of the moment of the seal. The certificate is its own anchor of trust, so its dates are advice to others:
        # taking it out of the bucket is what ends the trust in it.
        context = ValidationContext(trust_roots=trusted, allow_fetching=False, moment=at)
        status = validate_pdf_signature(signature, context)
        intact = bool(
            status.bottom_line
            and status.docmdp_ok
            and status.coverage == SignatureCoverageLevel.ENTIRE_FILE
            and signature.docmdp_level is not None
        )
    except (PdfError, SigningError, SignatureValidationError, ValueError, TypeError, KeyError, IndexError):
        return Verdict(False, True, None, digest, "changed")
    return Verdict(intact, True, at.astimezone(UTC) if at else None, digest, None if intact else "changed")
