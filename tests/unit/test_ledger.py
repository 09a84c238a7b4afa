"""The ledger: the same balances whatever the order and however often facts are told, and nothing lost to the cent."""

import random
from collections import defaultdict
from typing import Any

import pytest

from chalicelib.ledger.books import Account, fold
from chalicelib.ledger.course import course, facts_of
from chalicelib.ledger.entries import Entry, Kind
from chalicelib.ledger.open import open_facts, reaches_beyond

SEQUENCES = 10_000


def _charge(invoice: str, amount: int) -> Entry:
    return Entry(Kind.CHARGE, f"charge-{invoice}", amount, invoice)


def _payment(name: str, amount: int, *shares: tuple[str, int]) -> Entry:
    return Entry(Kind.PAYMENT, f"payment-{name}", amount, payment_id=name, shares=shares)


def _back(kind: Kind, name: str, payment: str, amount: int) -> Entry:
    return Entry(kind, name, amount, payment_id=payment)


# ---- by example ----


def test_a_partial_payment_leaves_the_rest_due() -> None:
    books = fold([_charge("a", 10_000), _payment("p", 4_000, ("a", 4_000))])
    assert (books.accounts["a"], books.due, books.credit) == (Account(10_000, 4_000), 6_000, 0)


def test_what_is_paid_too_much_is_credit_and_can_be_applied() -> None:
    facts = [_charge("a", 5_000), _payment("p", 8_000, ("a", 8_000)), _charge("b", 2_000)]
    assert (fold(facts).due, fold(facts).credit) == (2_000, 3_000)
    applied = fold([*facts, Entry(Kind.CREDIT, "credit-1", 2_000, "b")])
    assert (applied.due, applied.credit, applied.accounts["b"].settled) == (0, 1_000, 2_000)


def test_money_for_a_void_invoice_is_credit() -> None:
    facts = [_charge("a", 5_000), Entry(Kind.VOID, "void-a", invoice_id="a"), _payment("p", 5_000, ("a", 5_000))]
    assert (fold(facts).due, fold(facts).credit) == (0, 5_000)


def test_what_goes_back_is_due_again_from_the_last_invoice_first() -> None:
    facts = [_charge("a", 3_000), _charge("b", 4_000), _payment("p", 7_000, ("a", 3_000), ("b", 4_000))]
    refunded = fold([*facts, _back(Kind.REFUND, "refund-1", "p", 5_000)])
    assert (refunded.accounts["a"].due, refunded.accounts["b"].due) == (1_000, 4_000)
    failed = fold([*facts, _back(Kind.REFUND, "refund-1", "p", 5_000), Entry(Kind.REFUND_FAILED, "f", of="refund-1")])
    assert failed.due == 0


def test_a_dispute_takes_the_money_until_it_is_won() -> None:
    facts = [_charge("a", 5_000), _payment("p", 5_000, ("a", 5_000)), _back(Kind.DISPUTE, "dispute-1", "p", 5_000)]
    assert fold(facts).due == 5_000
    assert fold([*facts, Entry(Kind.DISPUTE_WON, "won", of="dispute-1")]).due == 0
    lost = fold([*facts, Entry(Kind.DISPUTE_LOST, "lost", of="dispute-1")])
    assert (lost.due, lost.receipts["p"].lost) == (5_000, 5_000)


def test_a_refund_and_a_dispute_of_the_same_money_are_both_counted() -> None:
    facts = [_charge("a", 5_000), _payment("p", 5_000, ("a", 5_000))]
    facts += [_back(Kind.REFUND, "refund-1", "p", 5_000), _back(Kind.DISPUTE, "dispute-1", "p", 5_000)]
    assert (fold(facts).due, fold(facts).credit, fold(facts).receipts["p"].refundable) == (10_000, 0, 0)


def test_credit_whose_money_went_back_is_not_there_to_be_applied() -> None:
    facts = [_payment("p", 5_000), _charge("a", 5_000), Entry(Kind.CREDIT, "credit-1", 5_000, "a")]
    assert (fold(facts).due, fold(facts).credit) == (0, 0)
    assert fold([*facts, _back(Kind.REFUND, "refund-1", "p", 2_000)]).due == 2_000
    nothing = fold([_payment("p", 5_000), _back(Kind.REFUND, "r", "p", 5_000), _back(Kind.DISPUTE, "d", "p", 5_000)])
    assert (nothing.due, nothing.credit, nothing.debt) == (0, 0, 5_000)


def test_what_is_about_a_payment_not_known_yet_waits() -> None:
    early = [_charge("a", 5_000), _back(Kind.REFUND, "refund-1", "p", 1_000)]
    assert fold(early).due == 5_000
    assert fold([*early, _payment("p", 5_000, ("a", 5_000))]).due == 1_000


def test_write_offs_and_adjustments_never_make_an_invoice_owe_the_client() -> None:
    facts = [_charge("a", 5_000), Entry(Kind.WRITE_OFF, "w", 4_000, "a"), Entry(Kind.ADJUSTMENT, "j", -3_000, "a")]
    assert (fold(facts).due, fold(facts).credit) == (0, 0)


# ---- any history ----


def _history(chance: random.Random) -> list[Entry]:
    """Facts as they may come to be in any practice, with everything going wrong now and then."""
    invoices = [f"i{n}" for n in range(chance.randint(1, 4))]
    facts = [_charge(each, chance.randint(1, 20_000)) for each in invoices if chance.random() < 0.95]
    for n in range(chance.randint(0, 5)):
        chosen = chance.sample(invoices, chance.randint(0, len(invoices)))
        shares = tuple((each, chance.randint(1, 9_000)) for each in chosen)
        amount = sum(share for _, share in shares) + chance.choice([0, 0, 0, chance.randint(1, 5_000)])
        facts.append(_payment(f"p{n}", max(1, amount), *shares))
        for m in range(chance.choice([0, 0, 1, 2])):
            back = chance.choice([Kind.REFUND, Kind.DISPUTE])
            facts.append(_back(back, f"back-{n}-{m}", f"p{n}", chance.randint(1, max(1, amount))))
            ends = {Kind.REFUND: [Kind.REFUND_FAILED], Kind.DISPUTE: [Kind.DISPUTE_WON, Kind.DISPUTE_LOST]}[back]
            if chance.random() < 0.5:
                facts.append(Entry(chance.choice(ends), f"end-{n}-{m}", of=f"back-{n}-{m}"))
    for n, each in enumerate(invoices):
        kinds = [k for k in (Kind.VOID, Kind.WRITE_OFF, Kind.ADJUSTMENT, Kind.CREDIT) if chance.random() < 0.25]
        for kind in kinds:
            amount = 0 if kind is Kind.VOID else chance.randint(1, 6_000)
            sign = chance.choice([1, -1]) if kind is Kind.ADJUSTMENT else 1
            facts.append(Entry(kind, f"{kind}-{n}", sign * amount, each))
    return facts


def _simple(facts: list[Entry]) -> int:
    """What the client owes on balance, summed up as a bookkeeper would on paper."""
    void = {each.invoice_id for each in facts if each.kind is Kind.VOID}
    ended = {each.of: each.kind for each in facts if each.of}
    known = {each.payment_id for each in facts if each.kind is Kind.PAYMENT}
    owed: dict[Any, int] = defaultdict(int)
    for each in facts:
        owed[each.invoice_id] += {Kind.CHARGE: 1, Kind.ADJUSTMENT: 1, Kind.WRITE_OFF: -1}.get(
            each.kind, 0
        ) * each.amount
    charged = {each.invoice_id for each in facts if each.kind is Kind.CHARGE} - void
    balance = sum(max(0, amount) for invoice, amount in owed.items() if invoice in charged)
    for each in facts:
        if each.kind is Kind.PAYMENT:
            balance -= each.amount
        elif each.kind is Kind.REFUND and each.payment_id in known:
            balance += each.amount if ended.get(each.entry_id) is None else 0
        elif each.kind is Kind.DISPUTE and each.payment_id in known:
            balance += each.amount if ended.get(each.entry_id) is not Kind.DISPUTE_WON else 0
    return balance


@pytest.mark.parametrize("part", range(4))
def test_any_history_in_any_order_told_any_number_of_times(part: int) -> None:
    chance = random.Random(f"ledger {part}")
    for _ in range(SEQUENCES // 4):
        facts = _history(chance)
        books = fold(facts)
        told = facts + chance.choices(facts, k=chance.randint(0, len(facts))) if facts else []
        chance.shuffle(told)
        assert fold(told) == books, facts
        assert books.due - books.credit + books.debt == _simple(facts), facts
        assert min(books.due, books.credit, books.debt, 0) == 0
        assert all(a.applied >= 0 and a.due >= 0 and a.owed >= 0 for a in books.accounts.values())
        assert sum(a.applied for a in books.accounts.values()) <= sum(
            each.amount for each in facts if each.kind is Kind.CREDIT
        )


def test_every_prefix_of_a_history_stands_by_itself() -> None:
    """However far deliveries have got, nothing is negative, and more facts never change what the others say."""
    chance = random.Random("prefixes")
    for _ in range(300):
        facts = _history(chance)
        chance.shuffle(facts)
        for end in range(len(facts) + 1):
            books = fold(facts[:end])
            assert books.due - books.credit + books.debt == _simple(facts[:end])
            assert min(books.due, books.credit, books.debt) >= 0


# ---- what is at rest ----


def _lived(chance: random.Random) -> list[Entry]:
    """A history of which much is paid to the cent, in the order in which it came about."""
    facts: list[Entry] = []
    for n in range(chance.randint(2, 6)):
        amount = chance.randint(100, 9_000)
        facts.append(_charge(f"s{n}", amount))
        if chance.random() < 0.8:
            facts.append(_payment(f"t{n}", amount, (f"s{n}", amount)))
            if chance.random() < 0.2:
                back = chance.choice([Kind.REFUND, Kind.DISPUTE])
                facts.append(_back(back, f"went-{n}", f"t{n}", amount))
                if chance.random() < 0.5:
                    end = Kind.REFUND_FAILED if back is Kind.REFUND else Kind.DISPUTE_WON
                    facts.append(Entry(end, f"came-{n}", of=f"went-{n}"))
        elif chance.random() < 0.3:
            facts.append(Entry(Kind.VOID, f"void-s{n}", invoice_id=f"s{n}"))
    more = _history(chance)
    return sorted([*facts, *more], key=lambda _: chance.random()) if chance.random() < 0.3 else [*facts, *more]


@pytest.mark.parametrize("part", range(4))
def test_what_is_at_rest_changes_nothing_else(part: int) -> None:
    """Kept step by step as a ledger keeps it, the open facts give what all facts give; or they say that they do not
    know."""
    chance = random.Random(f"open {part}")
    left_out = beyond = 0
    for _ in range(SEQUENCES // 40):
        told: list[Entry] = []
        known: set[str] = set()
        for each in _lived(chance):
            there = [one for one in told if one.entry_id in known]
            told.append(each)
            if reaches_beyond([each], there):
                beyond += 1
                known = open_facts(told)
                continue
            some, every = fold([*there, each]), fold(told)
            assert (some.due, some.credit, some.debt) == (every.due, every.credit, every.debt), told
            assert all(every.account(name) == account for name, account in some.accounts.items()), told
            assert all(every.receipt(name) == receipt for name, receipt in some.receipts.items()), told
            rest = [one for name, one in every.accounts.items() if name not in some.accounts]
            assert all((one.due, one.applied, one.paid - one.owed) == (0, 0, 0) for one in rest), told
            known = open_facts([*there, each])
            assert known == open_facts(told), told
            left_out += len(told) - len(there) > 1
    assert left_out > 500
    assert beyond > 100


def test_the_course_of_an_invoice_leads_from_its_charge_to_what_is_left() -> None:
    """Whatever happened in whatever order: what stands line by line on a sheet adds up to its last line."""
    chance = random.Random("courses")
    for _ in range(300):
        facts = _history(chance)
        chance.shuffle(facts)
        charges = {each.invoice_id: each.amount for each in facts if each.kind is Kind.CHARGE}
        for invoice, account in fold(facts).accounts.items():
            steps = course(facts, invoice)
            left = charges.get(invoice, 0) + sum(each.change for each in steps)
            assert left == account.owed - account.paid - account.applied
            assert account.due == max(0, left)
            assert all(each.change for each in steps)


def test_the_course_of_an_invoice_follows_from_the_facts_about_it() -> None:
    """Whatever else happened, in any order; only what was paid with credit depends on all."""
    chance, compared = random.Random(48), 0
    for _ in range(600):
        facts = _history(chance)
        chance.shuffle(facts)
        credited = {each.invoice_id for each in facts if each.kind is Kind.CREDIT}
        for invoice, about in facts_of(facts).items():
            own = [each for each in facts if each.entry_id in about]
            assert {each.invoice_id for each in own if each.invoice_id} <= {invoice}
            if invoice not in credited:
                compared += len(facts) > len(own)
                assert course(own, invoice) == course(facts, invoice)
    assert compared > 300


def test_the_course_of_an_invoice_by_example() -> None:
    facts = [
        _charge("a", 5_000),
        _charge("b", 9_000),
        _payment("p", 6_000, ("a", 5_000), ("b", 1_000)),
        _back(Kind.REFUND, "refund", "p", 3_000),
        Entry(Kind.VOID, "void", invoice_id="a"),
    ]
    assert [(each.entry_id, each.change) for each in course(facts, "a")] == [
        ("payment-p", -5_000),
        ("refund", 2_000),
        ("void", -5_000),
    ]
    assert [each.change for each in course(facts, "b")] == [-1_000, 1_000]
