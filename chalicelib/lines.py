"""One line of people's words as it may stand in a name, a subject or a mail's From: nothing that cannot be seen.

Direction controls can show a name as another one (in a From most of all); zero-width characters and fillers make two
names that look the same, or a name that is not there. Phones put some of them around what is copied, so that they are
taken out, not refused. What joins letters in Persian, Indic scripts and emoji, and variants of a character, stay.
"""

import re
import unicodedata

_BREAKS = re.compile("[\x85\u2028\u2029\u2800]")  # end a line, or are blank in every font: a space
_UNSEEN = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e007f]"
)
_JOINERS = "\u200c\u200d"


def seen(text: str) -> str:
    """The text without what cannot be seen, stripped; empty when nothing of it can be.

    >>> seen("\\u202aAda\\u202c \\u2066Quill\\u2069"), seen("\\u2800\\u200d\\u3164")
    ('Ada Quill', '')
    """
    plain = _UNSEEN.sub("", _BREAKS.sub(" ", text)).strip()
    plain = plain.strip(_JOINERS).strip()
    return plain if any(unicodedata.category(char)[0] in "LNPS" for char in plain) else ""
