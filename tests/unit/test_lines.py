"""Names and subjects: what cannot be seen, or turns what can be, does not get in."""

import pytest

from chalicelib.lines import seen


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\u202eelbissop si gnihton", "elbissop si gnihton"),  # turned around, it read as something else
        ("\u202aAda Quill\u202c", "Ada Quill"),  # as phones copy it
        ("Har\u200bbor\ufeff View\u2060", "Harbor View"),
        ("Oak\u2028Bcc: x\x85y", "Oak Bcc: x y"),
        ("\u200b\u200e\u202e\u2066\u2069", ""),
        ("\u200d\u200c \u3164\uffa0\u2800\U000e0041", ""),
        ("\u0301\ufe0f", ""),  # marks on nothing
        ("\u200dAda\u200c", "Ada"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d⚕️ Praxis", "👩\u200d⚕️ Praxis"),
        ("葛\U000e0100城", "葛\U000e0100城"),  # a variant that is part of a family's name
        ("Zoë N'Guyễn-Ö", "Zoë N'Guyễn-Ö"),
        ("?", "?"),
    ],
)
def test_what_is_kept_of_a_line(typed: str, kept: str) -> None:
    assert seen(typed) == kept
