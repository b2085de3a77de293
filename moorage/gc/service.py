"""Garbage collection as the contract has it: parameters, and what of a run is shown."""

import secrets
from collections.abc import Mapping

from moorage.db.unit_of_work import Work
from moorage.errors import ParameterInvalid
from moorage.jobs.service import apply_schedule

VENDOR = "GARBAGE_COLLECTION"
"""Source: the Harbor API v2.0 (GCHistory.job_name)."""

JOB = "gc.collect"

QUIET_HOURS = (2, 5)
"""A new store begins to collect from the first of these hours on, and before the second, in UTC."""


def parse_parameters(given: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a run; those that are not known are passed over.

    Shape: {"delete_untagged": bool, "delete_tag": bool, "dry_run": bool, "workers": 1 to 10}. `delete_tag` is kept
    for clients that send it, and means nothing here: a tag is never garbage.

    Raises:
        ParameterInvalid: one has another type, or is out of range.
    """
    found: dict[str, object] = {}
    for name in ("delete_untagged", "delete_tag", "dry_run"):
        value = given.get(name)
        if not isinstance(value, bool | None):
            raise ParameterInvalid(f"{name} is true or false.", parameter=name)
        found[name] = bool(value)
    workers = given.get("workers")
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 10):
        raise ParameterInvalid("workers is a number from 1 to 10.", parameter="workers")
    return {**found, "workers": workers or 1}


def schedule_daily(work: Work) -> None:
    """Set the first schedule of a new store: every night at a random minute (docs/develop/garbage-collection.md).

    It runs twice, an hour apart: bytes stay for some minutes after they were let go, and the second run deletes those.
    Stores that share a disk, an object store or a database do not all begin at once. What has no tag stays.
    """
    first, last = QUIET_HOURS
    hour, minute = divmod(first * 60 + secrets.randbelow((last - first) * 60), 60)
    apply_schedule(
        work, VENDOR,
        kind="Custom", cron=f"0 {minute} {hour},{hour + 1} * * *", job=JOB, arguments=parse_parameters({}),
    )  # fmt: skip
