"""The standard forms as versioned data: one JSON file a form and version, never changed once it was sent to anyone."""

import json
from functools import cache
from pathlib import Path
from typing import Any

Form = dict[str, Any]

# In the order in which a new client is asked to fill them in (DOMAIN.md 4.1).
STANDARD = ("standard-intake-questionnaire", "informed-consent-for-psychotherapy", "notice-of-privacy-practices")
CURRENT = 1


def standard() -> list[Form]:
    """The current versions of the three standard forms, merge fields not yet filled. Shared: read, never change."""
    return [load(form_id, CURRENT) for form_id in STANDARD]


@cache
def load(form_id: str, version: int) -> Form:
    """One version of a standard form. Shared: read, never change. Raises KeyError for anything that does not ship."""
    if form_id not in STANDARD or version != CURRENT:
        raise KeyError((form_id, version))
    form: Form = json.loads((Path(__file__).parent / f"{form_id}.v{version}.json").read_text(encoding="utf-8"))
    return form
