"""What tests over HTTP share."""

from collections.abc import Callable

import pytest


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Limits as a deployed stage may have them; the local ones are for demos."""
    from chalicelib.config import Settings

    usual = Settings.limit

    def change(**few: tuple[int, int]) -> None:
        monkeypatch.setattr(Settings, "limit", lambda self, name: few.get(name) or usual(self, name))

    return change
