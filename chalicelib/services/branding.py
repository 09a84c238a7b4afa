"""An organization's colour and logo: taken as they are picked, kept as what is safe to show.

Of a colour only hue and strength are kept; lightness is the portal's own, so that every pair of text and ground keeps
its contrast (at least 4.5:1 for text, WCAG 2.2 1.4.3; a test goes round the whole circle). Of a picture only its
pixels are kept: it is decoded, made small and written anew as PNG, so that nothing else of the file is ever served.
"""

import base64
import binascii
import hashlib
import math
from typing import NamedTuple

from chalicelib.errors import InvalidBody
from chalicelib.models.tenants import Logo

CHROMA_MOST = 0.1
UPLOAD_BYTES = 200 * 1024
KEPT_BYTES = 100 * 1024
PIXELS_MOST = 4_000_000  # of the picture that is sent: a small file can unpack into gigabytes
FITS = (480, 160)
_KINDS = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG"}


class Colour(NamedTuple):
    """A hue (0 to 360 degrees) and a strength (0 to 0.1) in oklch."""

    hue: float
    chroma: float


def colour(picked: str) -> Colour:
    """What is kept of a colour such as #2f6f5e. A grey has no strength and hue 0."""
    red, green, blue = (_linear(int(picked[at : at + 2], 16) / 255) for at in (1, 3, 5))
    # Björn Ottosson's matrices (2020), as CSS Color 4 has them.
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    chroma = min(math.hypot(a, b), CHROMA_MOST)
    if chroma < 0.004:
        return Colour(0, 0)
    return Colour(round(math.degrees(math.atan2(b, a)) % 360, 1), round(chroma, 4))


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def logo(tenant_id: str, sent: str) -> Logo:
    """The logo made of a PNG or JPEG of at most 200 KB, sent as base64. Raises InvalidBody with the reason."""
    try:
        data = base64.b64decode(sent, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("unreadable", "This picture could not be read. Choose another file.") from None
    if len(data) > UPLOAD_BYTES:
        raise _refused("too_large", "Choose a picture of at most 200 KB.")
    kind = next((kind for start, kind in _KINDS.items() if data.startswith(start)), None)
    if kind is None:
        raise _refused("wrong_kind", "Choose a PNG or JPEG file.")
    png, width, height = _redrawn(data, kind)
    return Logo.new(
        tenant_id=tenant_id, digest=hashlib.sha256(png).hexdigest()[:40], png=png, width=width, height=height
    )


def _redrawn(data: bytes, kind: str) -> tuple[bytes, int, int]:
    import io
    import warnings

    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow only warns of a bomb
            with Image.open(io.BytesIO(data), formats=(kind,)) as opened:
                if opened.width * opened.height > PIXELS_MOST:
                    raise _refused("too_many_pixels", "This picture is too large. Make it at most 2,000 pixels wide.")
                picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except InvalidBody:
        raise
    except Exception:
        # Whatever a decoder makes of a broken file: it is the file's fault, and nothing of it is kept.
        raise _refused("unreadable", "This picture could not be read. Choose another file.") from None
    for share in (1, 2, 4):
        small = picture.copy()
        small.thumbnail((FITS[0] // share, FITS[1] // share))
        out = io.BytesIO()
        small.save(out, "PNG", optimize=True)
        if out.tell() <= KEPT_BYTES:
            break
    return out.getvalue(), small.width, small.height


def _refused(code: str, detail: str) -> InvalidBody:
    return InvalidBody(errors=[{"pointer": "/image", "code": code, "detail": detail}])
