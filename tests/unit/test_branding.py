"""Whatever colour an organization picks, its pages stay readable: the tokens' own pairs, round the whole circle."""

import colorsys
import math
import re
from pathlib import Path

import pytest

from chalicelib.services import branding

TOKENS = (Path(__file__).parents[2] / "frontend/src/styles/tokens.css").read_text()
TEXT = 4.5  # WCAG 2.2 1.4.3


def luminance(lightness: float, chroma: float, hue: float) -> float:
    """Relative luminance of an oklch colour as a screen shows it (channels clipped)."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    red, green, blue = (min(1.0, max(0.0, each)) for each in linear)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def tokens(dark: bool) -> dict[str, tuple[float, float | str]]:
    """Lightness and chroma of every token that takes the brand's hue; chroma as a share of the brand's."""
    light, _, night = TOKENS.partition("prefers-color-scheme: dark")
    chroma = r"(?:calc\(var\(--brand-c\) \* ([\d.]+)\)|var\(--brand-c\))"
    pattern = rf"--([\w-]+): oklch\(([\d.]+) {chroma} var\(--brand-h\)\)"
    return {name: (float(far), float(share or 1)) for name, far, share in re.findall(pattern, night if dark else light)}


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_keeps_its_contrast(dark: bool) -> None:
    known = tokens(dark)
    assert {"accent", "accent-strong", "accent-soft", "on-soft"} <= set(known)
    surface = luminance(0.238, 0.014, 250) if dark else 1.0
    worst = 99.0
    for step in range(360):
        red, green, blue = (round(255 * each) for each in colorsys.hsv_to_rgb(step / 360, 1, 1 - step % 3 / 4))
        kept = branding.colour(f"#{red:02x}{green:02x}{blue:02x}")
        shown = {
            name: luminance(lightness, kept.chroma * float(share), kept.hue)
            for name, (lightness, share) in known.items()
        }
        on_accent = shown.get("on-accent", 1.0)
        pairs = [
            (shown["accent"], on_accent), (shown["accent-strong"], on_accent), (shown["accent"], surface),
            (shown["on-soft"], shown["accent-soft"]),
        ]  # fmt: skip
        worst = min(worst, *(ratio(*pair) for pair in pairs))
    assert worst >= TEXT, worst


@pytest.mark.parametrize(
    ("picked", "hue", "chroma"),
    [("#ff0000", 29.2, 0.1), ("#00FF00", 142.5, 0.1), ("#0000ff", 264.1, 0.1), ("#336699", 250.7, 0.0983)],
)
def test_known_colours(picked: str, hue: float, chroma: float) -> None:
    """Hues as CSS Color 4 has them."""
    kept = branding.colour(picked)
    assert kept.hue == pytest.approx(hue, abs=0.6)
    assert kept.chroma == pytest.approx(chroma, abs=0.004)


@pytest.mark.parametrize("picked", ["#000000", "#ffffff", "#808080"])
def test_greys_have_no_strength(picked: str) -> None:
    assert branding.colour(picked) == (0, 0)
