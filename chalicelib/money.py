"""Money: integer minor units and an ISO 4217 currency; no float anywhere."""

from dataclasses import dataclass

_SIGNS = {"usd": "$", "cad": "CA$", "eur": "€", "gbp": "£", "aud": "A$", "nzd": "NZ$"}  # as browsers write them


@dataclass(frozen=True)
class Money:
    """`amount` in minor units (cents), `currency` in lower case."""

    amount: int
    currency: str = "usd"

    def __str__(self) -> str:
        sign = "-" if self.amount < 0 else ""
        symbol = _SIGNS.get(self.currency, f"{self.currency.upper()} ")
        return f"{sign}{symbol}{abs(self.amount) // 100:,}.{abs(self.amount) % 100:02d}"
