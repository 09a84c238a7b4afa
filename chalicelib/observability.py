"""Logs by allow-list: route template, action, ids, status, code, duration. No bodies, headers, names, addresses."""

import functools
import logging
import time
import traceback
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

logger = Logger(service="client-portal", use_rfc3339=True, utc=True, log_record_order=["level", "message"])

# PynamoDB logs whole items at DEBUG; Stripe and botocore log requests.
for _name in ("pynamodb", "botocore", "urllib3", "stripe", "pyhanko", "fontTools"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def where(error: BaseException) -> str:
    """The type of an error and where it was raised; never its text, which may repeat what a person wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "chalicelib" in frame.filename] or frames
    place = f"{ours[-1].filename.rpartition('/')[2]}:{ours[-1].lineno}" if ours else "nowhere"
    return f"{type(error).__name__} at {place}"


def observed(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Log one line for each run of an event function; a failure is logged by its type and raised again."""

    @functools.wraps(function)
    def run(event: Any) -> Any:
        started = time.perf_counter()
        outcome = "ok"
        try:
            return function(event)
        except Exception as error:
            outcome = where(error)
            raise
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            logger.info("event", function=function.__name__, outcome=outcome, ms=milliseconds)

    return run
