"""Pages of replication executions and tasks, with the contract's states."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, case, func, select

from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.errors import Unprocessable
from moorage.jobs import service as jobs
from moorage.jobs.queue import ERROR, PENDING, RUNNING, SCHEDULED, STOPPED, SUCCESS
from moorage.jobs.service import get_execution, newest_run
from moorage.jobs.tables import Execution, Task
from moorage.registries.service import MAX_ID
from moorage.replication.service import PLAN_JOB, VENDOR
from moorage.replication.tables import ReplicationPolicy

EXECUTION_WORDS = {RUNNING: "InProgress", SUCCESS: "Succeed", ERROR: "Failed", STOPPED: "Stopped"}
TASK_WORDS = {**EXECUTION_WORDS, PENDING: "Pending", SCHEDULED: "InProgress"}
TRIGGER_WORDS = {"MANUAL": "manual", "SCHEDULE": "scheduled", "EVENT": "event_based"}

_REPOSITORY = Task.arguments["repository"].as_string()
_TASK_FIELDS = Fields(
    {
        "id": Field(Task.id, kind="number"),
        "execution_id": Field(Task.execution_id, kind="number"),
        "status": Field(Task.status, nullable=False),
        "src_resource": Field(_REPOSITORY),
        "resource_type": Field(Task.arguments["kind"].as_string()),
        "start_time": Field(Task.started_at, kind="time"),
        "end_time": Field(Task.ended_at, kind="time"),
    },
    key=Task.id,
    aliases={"creation_time": "start_time"},
)


class Counts(msgspec.Struct):
    """The tasks of a run by state, one for each artifact; bytes of all of them so far."""

    total: int = 0
    failed: int = 0
    succeed: int = 0
    in_progress: int = 0
    stopped: int = 0
    done_bytes: int = 0
    total_bytes: int = 0


def list_executions(
    work: Work, listing: Listing, *, policy_id: int | None, status: str, trigger: str
) -> tuple[Sequence[Any], int, list[str]]:
    """A page of runs, the newest first; how many there are; what was ignored. Two statements.

    Args:
        policy_id: of which policy; None: of all.
        status, trigger: the contract's words; "": all.

    Raises:
        Unprocessable: there is no such word.
    """
    more: list[ColumnElement[bool]] = []
    if status:
        more.append(Execution.status.in_(_read(EXECUTION_WORDS, "status", status)))
    if trigger:
        more.append(Execution.trigger.in_(_read(TRIGGER_WORDS, "trigger", trigger)))
    of_policy = None if policy_id is None else max(-1, min(policy_id, MAX_ID))
    return jobs.list_executions(work, listing, VENDOR, of_policy, *more)


def get_run(work: Work, execution_id: int) -> tuple[Any, Counts]:
    """A run with its counts.

    Raises:
        ExecutionUnknown: there is none.
    """
    row = get_execution(work, execution_id, VENDOR)
    return row, list_counts(work, [execution_id])[execution_id]


def list_counts(work: Work, execution_ids: list[int]) -> dict[int, Counts]:
    """The counts of runs, by id. One statement; what lists the artifacts is none of them."""
    found = {one: Counts() for one in execution_ids}

    def count(*states: str) -> ColumnElement[int]:
        return func.sum(case((Task.status.in_(states), 1), else_=0))

    rows = work.db.execute(
        select(
            Task.execution_id, func.count(), count(ERROR), count(SUCCESS), count(PENDING, SCHEDULED, RUNNING),
            count(STOPPED), func.sum(Task.done_bytes), func.sum(Task.total_bytes),
        )
        .where(Task.execution_id.in_(execution_ids), Task.job != PLAN_JOB)
        .group_by(Task.execution_id)
    ) if execution_ids else ()  # fmt: skip
    for execution_id, *counts in rows:
        found[execution_id] = Counts(*map(int, counts))
    return found


def find_last_runs(work: Work, policy_ids: Sequence[int]) -> dict[int, tuple[Any, Counts]]:
    """The newest run of each policy that has run, with its counts, by the policy's id. Two statements; none for none.

    Cost: one look into the index of executions for each policy.
    """
    if not policy_ids:
        return {}
    rows = work.db.execute(
        select(Execution.__table__)
        .select_from(ReplicationPolicy)
        .join(Execution, Execution.id == newest_run(VENDOR, ReplicationPolicy.id))
        .where(ReplicationPolicy.id.in_(policy_ids))
    ).all()
    counts = list_counts(work, [row.id for row in rows])
    return {row.vendor_id: (row, counts[row.id]) for row in rows}


def list_tasks(
    work: Work, execution_id: int, listing: Listing, *, status: str, kind: str
) -> tuple[Sequence[Any], int, list[str]]:
    """A page of a run's artifacts, by their ids; how many there are; what was ignored. Three statements.

    Raises:
        ExecutionUnknown: there is no such run.
        Unprocessable: there is no such state.
    """
    get_execution(work, execution_id, VENDOR)
    tasks = select(Task).where(Task.execution_id == execution_id, Task.job != PLAN_JOB)
    if status:
        tasks = tasks.where(Task.status.in_(_read(TASK_WORDS, "status", status)))
    if kind:
        tasks = tasks.where(Task.arguments["kind"].as_string() == kind.lower())
    return _TASK_FIELDS.list_rows(work, tasks, listing, "id")


def _read(words: Mapping[str, str], name: str, text: str) -> list[str]:
    """Our states that a word of the contract stands for."""
    found = [ours for ours, theirs in words.items() if text.lower() in {theirs.lower(), ours.lower()}]
    if not found:
        raise Unprocessable(f"The {name} is one of {', '.join(dict.fromkeys(words.values()))}.", value=text[:64])
    return found
