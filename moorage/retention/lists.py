"""Runs of a policy, their tasks and verdicts, as pages."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.jobs.service import get_execution
from moorage.jobs.tables import Task
from moorage.retention.service import REPOSITORY_JOB, VENDOR
from moorage.retention.tables import RetentionVerdict

_REPOSITORY = Task.arguments["path"].as_string()
_TASK_FIELDS = Fields(
    {
        "id": Field(Task.id, kind="number"),
        "repository": Field(_REPOSITORY),
        "status": Field(Task.status, nullable=False),
    },
    key=Task.id,
)
_VERDICT_FIELDS = Fields(
    {
        "verdict": Field(RetentionVerdict.verdict, nullable=False),
        "repository": Field(_REPOSITORY),
        "task_id": Field(RetentionVerdict.task_id, kind="number", nullable=False),
        "size": Field(RetentionVerdict.size_bytes, kind="number", nullable=False),
        "push_time": Field(RetentionVerdict.pushed_at, kind="time", nullable=False),
        "pull_time": Field(RetentionVerdict.pulled_at, kind="time"),
    },
    key=RetentionVerdict.artifact_id,
)


def list_tasks(work: Work, policy_id: int, execution_id: int, listing: Listing) -> tuple[Sequence[Any], int, list[str]]:
    """A page of a run's repositories, by their ids; how many there are; what was ignored. Three statements.

    Raises:
        ExecutionUnknown: the policy has no such run.
    """
    get_execution(work, execution_id, VENDOR, policy_id)
    tasks = select(
        Task.id, Task.execution_id, _REPOSITORY.label("path"), Task.status, Task.attempt, Task.started_at,
        Task.ended_at, Task.extra, Task.done, Task.total, Task.message,
    ).where(Task.execution_id == execution_id, Task.job == REPOSITORY_JOB)  # fmt: skip
    return _TASK_FIELDS.list_rows(work, tasks, listing, "id")


def list_verdicts(
    work: Work, policy_id: int, execution_id: int, listing: Listing
) -> tuple[Sequence[Any], int, list[str]]:
    """A page of what a run found, by repository, what was pushed last first. Three statements.

    Raises:
        ExecutionUnknown: the policy has no such run.
    """
    get_execution(work, execution_id, VENDOR, policy_id)
    verdicts = (
        select(*RetentionVerdict.__table__.c, _REPOSITORY.label("path"))
        .join(Task, Task.id == RetentionVerdict.task_id)
        .where(Task.execution_id == execution_id)
    )
    return _VERDICT_FIELDS.list_rows(work, verdicts, listing, "task_id,-push_time")
