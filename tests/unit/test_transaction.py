"""Transactions: what is sent, what a failure means, and what is tried again. Answers are put where DynamoDB's come in,
below the client and above the wire; the last tests ask the table itself."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from chalicelib.errors import AlreadySigned, Busy, EmailInUse, NotFound, PortalError, Stale
from chalicelib.models.connection import client
from chalicelib.models.tenants import Slug
from chalicelib.models.transaction import TRIES, Transaction, add, change
from infra.local.portal import Portal

CHECK, NONE, CONFLICT = "ConditionalCheckFailed", "None", "TransactionConflict"
Heard = list[dict[str, Any]]


class _Http:
    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


def _good() -> Any:
    return _Http(200), {}


def _refused(code: str, *reasons: str) -> Any:
    error: dict[str, Any] = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {}}
    if reasons:
        error["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return _Http(400), error


def _cancelled(*reasons: str) -> Any:
    return _refused("TransactionCanceledException", *reasons)


def _lost() -> Any:
    raise ReadTimeoutError(endpoint_url="https://dynamodb.example")


def _unreachable() -> Any:
    raise EndpointConnectionError(endpoint_url="https://dynamodb.example")


@pytest.fixture
def dynamodb() -> Iterator[Callable[..., Heard]]:
    """`dynamodb(answer, …)`: what DynamoDB says to one write after another (the last one from then on); gives what it
    was asked, in order."""
    heard: Heard = []
    answers: list[Any] = []

    def answer(params: dict[str, Any], **_: Any) -> Any:
        heard.append(json.loads(params["body"]))
        said = answers[min(len(heard), len(answers)) - 1]
        return said() if callable(said) else said

    def say(*given: Any) -> Heard:
        answers.extend(given)
        return heard

    client().meta.events.register_first("before-call.dynamodb", answer)
    yield say
    client().meta.events.unregister("before-call.dynamodb", answer)


def _slug(name: str) -> Slug:
    return Slug.new(tenant_id="t", slug=name)


def _three(*meanings: PortalError | None) -> None:
    """A transaction of three writes, each with its own meaning of a failed condition."""
    with Transaction() as tx:
        tx.create(_slug("one"), otherwise=meanings[0])
        tx.update(_slug("two"), Slug.slug.set("x"), otherwise=meanings[1])
        tx.require(_slug("three"), Slug.pk.exists(), otherwise=meanings[2] or PortalError())


# ---- what is sent ----


def test_all_is_sent_at_once_in_the_order_it_was_added(dynamodb: Callable[..., Heard]) -> None:
    heard = dynamodb(_good())
    _three(EmailInUse(), Stale(), NotFound())
    (sent,) = heard
    assert [list(item) for item in sent["TransactItems"]] == [["Put"], ["Update"], ["ConditionCheck"]]
    assert [_pk(item) for item in sent["TransactItems"]] == [f"PLATFORM#SLUG#{n}" for n in ("one", "two", "three")]
    assert sent["TransactItems"][0]["Put"]["ConditionExpression"] == "attribute_not_exists(pk)"
    assert len(sent["ClientRequestToken"]) == 32


def _pk(item: dict[str, Any]) -> str:
    (write,) = item.values()
    pk: str = (write.get("Key") or write["Item"])["pk"]["S"]
    return pk


def test_each_transaction_has_a_token_of_its_own(dynamodb: Callable[..., Heard]) -> None:
    heard = dynamodb(_good())
    for _ in range(2):
        _three(EmailInUse(), Stale(), NotFound())
    assert heard[0]["ClientRequestToken"] != heard[1]["ClientRequestToken"]


def test_an_error_in_the_block_sends_nothing(dynamodb: Callable[..., Heard]) -> None:
    heard = dynamodb(_good())
    with pytest.raises(AlreadySigned):
        _broken_off()
    with Transaction():
        pass
    assert heard == []


def _broken_off() -> None:
    with Transaction() as tx:
        tx.create(_slug("one"))
        raise AlreadySigned()


# ---- what a failure means ----


@pytest.mark.parametrize(
    ("reasons", "meaning"),
    [
        ((CHECK, NONE, NONE), EmailInUse),
        ((NONE, CHECK, NONE), Stale),
        ((NONE, NONE, CHECK), NotFound),
        ((CHECK, CHECK, CHECK), EmailInUse),  # the first that was added
        ((NONE, CHECK, CHECK), Stale),
        ((CONFLICT, NONE, CHECK), NotFound),  # trying again would not help
    ],
)
def test_a_failed_condition_means_what_its_place_means(
    dynamodb: Callable[..., Heard], reasons: tuple[str, ...], meaning: type[PortalError]
) -> None:
    heard = dynamodb(_cancelled(*reasons))
    with pytest.raises(meaning):
        _three(EmailInUse(), Stale(), NotFound())
    assert len(heard) == 1


def test_a_condition_that_should_never_fail_is_a_defect(dynamodb: Callable[..., Heard]) -> None:
    dynamodb(_cancelled(CHECK, NONE, NONE))
    with pytest.raises(PortalError) as caught:
        _three(None, Stale(), NotFound())
    assert (caught.value.status, caught.value.code) == (500, "internal")


@pytest.mark.parametrize(
    "answer",
    [
        _cancelled(NONE, "ValidationError", NONE),
        _cancelled("ItemCollectionSizeLimitExceeded", CONFLICT, NONE),
        _refused("ValidationException"),
        _refused("IdempotentParameterMismatchException"),
        _refused("AccessDeniedException"),
        _refused("TransactionCanceledException"),
    ],
    ids=lambda answer: answer[1]["Error"]["Code"],
)
def test_what_is_wrong_for_good_is_not_tried_again(dynamodb: Callable[..., Heard], answer: Any) -> None:
    heard = dynamodb(answer)
    with pytest.raises(ClientError):
        _three(EmailInUse(), Stale(), NotFound())
    assert len(heard) == 1


# ---- what passes by itself ----

PASSING = [
    _cancelled(CONFLICT, NONE, NONE),
    _cancelled(NONE, CONFLICT, CONFLICT),
    _cancelled("ThrottlingError", NONE, CONFLICT),
    _cancelled(NONE, "ProvisionedThroughputExceeded", NONE),
    _refused("TransactionInProgressException"),
    _refused("ThrottlingException"),
    _refused("ProvisionedThroughputExceededException"),
    _refused("InternalServerError"),
    _lost,
    _unreachable,
]


def _called(answer: Any) -> str:
    if callable(answer):
        return str(answer.__name__)
    return " ".join([answer[1]["Error"]["Code"], *(each["Code"] for each in answer[1].get("CancellationReasons", []))])


@pytest.mark.parametrize("answer", PASSING, ids=_called)
def test_it_is_sent_again_as_it_was(dynamodb: Callable[..., Heard], answer: Any) -> None:
    """The same token: when only the answer was lost, DynamoDB does not do it twice."""
    heard = dynamodb(answer, answer, _good())
    _three(EmailInUse(), Stale(), NotFound())
    assert len(heard) == 3
    assert heard[0] == heard[1] == heard[2]


@pytest.mark.parametrize("answer", [PASSING[0], _lost], ids=_called)
def test_what_does_not_pass_is_busy_and_never_a_failed_condition(dynamodb: Callable[..., Heard], answer: Any) -> None:
    heard = dynamodb(answer)
    with pytest.raises(Busy) as caught:
        _three(EmailInUse(), Stale(), NotFound())
    assert (len(heard), caught.value.status, caught.value.retry_after) == (TRIES, 503, 1)


def test_a_conflict_may_turn_into_a_failed_condition(dynamodb: Callable[..., Heard]) -> None:
    """The other one won: then that is the answer."""
    dynamodb(_cancelled(CONFLICT, NONE, NONE), _cancelled(CHECK, NONE, NONE))
    with pytest.raises(EmailInUse):
        _three(EmailInUse(), Stale(), NotFound())


# ---- one item, at half the price ----


def test_a_change_of_one_item(dynamodb: Callable[..., Heard]) -> None:
    heard = dynamodb(_refused("ThrottlingException"), _refused("TransactionConflictException"), _good())
    change(_slug("one"), Slug.slug.set("x"), when=Slug.tenant_id == "t", otherwise=Stale())
    assert heard[0] == heard[1] == heard[2]
    assert "attribute_exists" in heard[0]["ConditionExpression"]  # it never brings an item into being


def test_a_change_whose_condition_fails(dynamodb: Callable[..., Heard]) -> None:
    heard = dynamodb(_refused("ConditionalCheckFailedException"))
    with pytest.raises(Stale):
        change(_slug("one"), Slug.slug.set("x"), otherwise=Stale())
    with pytest.raises(PortalError) as caught:
        change(_slug("one"), Slug.slug.set("x"))
    assert (caught.value.status, len(heard)) == (500, 2)


def test_one_item_that_cannot_be_written(dynamodb: Callable[..., Heard]) -> None:
    heard = dynamodb(_refused("ThrottlingException"))
    with pytest.raises(Busy):
        add(_slug("one"))
    assert len(heard) == TRIES


def test_one_item_that_is_refused(dynamodb: Callable[..., Heard]) -> None:
    heard = dynamodb(_refused("ValidationException"))
    with pytest.raises(ClientError):
        add(_slug("one"))
    assert len(heard) == 1


# ---- the table itself ----


@pytest.fixture
def table(cloud_portal: Portal) -> Iterator[None]:
    """The local table, as it was before the test."""
    from infra.local import state

    kept = state.snapshot(state.CHANGING)
    yield
    state.restore(kept)


@pytest.mark.parametrize(
    ("order", "meaning"), [(("free", "taken", "absent"), EmailInUse), (("free", "absent", "taken"), Stale)]
)
def test_all_or_nothing_and_the_first_failure_counts(
    table: None, order: tuple[str, ...], meaning: type[PortalError]
) -> None:
    add(_slug("taken"))
    with pytest.raises(meaning):
        _written(order)
    assert Slug.find(slug="free") is None


def _written(order: tuple[str, ...]) -> None:
    with Transaction() as tx:
        for name in order:
            if name == "absent":
                tx.update(_slug(name), Slug.slug.set("x"), otherwise=Stale())
            else:
                tx.create(_slug(name), otherwise=EmailInUse())


def test_a_lost_answer_is_found_to_have_been_a_good_one(table: None) -> None:
    """It was written, and nobody heard: the second sending is no second writing, and no "already there"."""
    lost = [True]

    def lose(**_: Any) -> None:
        if lost and lost.pop():
            _lost()

    client().meta.events.register_first("after-call.dynamodb.TransactWriteItems", lose)
    try:
        with Transaction() as tx:
            tx.create(_slug("once"), otherwise=EmailInUse())
    finally:
        client().meta.events.unregister("after-call.dynamodb.TransactWriteItems", lose)
    assert lost == []
    kept = Slug.find(slug="once")
    assert kept is not None
    with pytest.raises(EmailInUse), Transaction() as tx:
        tx.create(_slug("once"), otherwise=EmailInUse())
