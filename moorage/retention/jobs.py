"""The jobs of a run: one that finds its repositories, and one for each of them."""

import asyncio
from collections import Counter

from moorage.jobs.queue import job
from moorage.jobs.task_context import Task
from moorage.oci.digest import Digest
from moorage.retention import service
from moorage.retention.plan import DELETE, DELETED, GONE, IMMUTABLE, IN_USE, KEEP, Place, Verdict, plan_repository
from moorage.retention.rules import compile_rules

BATCH = 20
"""How many artifacts are deleted in one transaction, which keeps the project's gate closed."""
_MARKS = {KEEP: "RETAIN", DELETE: "DEL", DELETED: "DEL", GONE: "DEL", IMMUTABLE: "IMMUTABLE"}


@job(service.PLAN_JOB, retries=3)
async def find_repositories(task: Task) -> None:
    """Give the run a task for each repository.

    Safe to run twice: they are made in the transaction that ends this one.
    """
    run = await task.look(service.get_run, task.execution_id)
    repositories = await task.look(service.list_repositories, run)
    task.log(f"the rules speak of {len(repositories)} repositories")
    await task.complete(service.begin_run, run, repositories)


@job(service.REPOSITORY_JOB, retries=5)
async def tidy_repository(task: Task, *, repository_id: int, path: str) -> None:
    """Find what no rule keeps, and delete it.

    Safe to run twice: what is found is written once, and each batch of deletions notes in its own transaction that it
    was done.
    """
    repository = Place(repository_id, path)
    run = await task.look(service.get_run, task.execution_id)
    verdicts = await task.look(service.list_verdicts, task.id)
    if not verdicts:
        rules = compile_rules(run.rules)
        verdicts = await task.look(plan_repository, run.project_id, repository, rules, run.started_at)
        if run.exactly is not None:
            service.leave_unnamed(verdicts, await task.look(service.find_named, run.exactly, repository_id))
        await task.run(service.write_verdicts, task.id, verdicts)
    condemned = [(position, one) for position, one in enumerate(verdicts) if one.verdict == DELETE]
    task.progress(len(verdicts) - len(condemned), len(verdicts))
    if not run.dry_run:
        await _delete(task, run, repository, condemned)
    for one in verdicts:
        task.log(_line(one))
        await asyncio.sleep(0)
    counts = Counter(one.verdict for one in verdicts)
    task.log(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "nothing is in it")
    await task.complete(service.end_task, task.id, task.execution_id, repository)


async def _delete(task: Task, run: service.Run, repository: Place, condemned: list[tuple[int, Verdict]]) -> None:
    """Delete in batches. What an index that goes later still needs is tried again after it, while there is progress."""
    done = 0
    while condemned:
        again = []
        for first in range(0, len(condemned), BATCH):
            batch = condemned[first : first + BATCH]
            found = await task.run(service.delete_condemned, task.id, run, repository, batch)
            for (position, one), verdict in zip(batch, found, strict=True):
                one.verdict = verdict
                if verdict == IN_USE:
                    again.append((position, one))
            done += len(batch)
            task.progress(done)
        if len(again) == len(condemned):
            return
        condemned = again


def _line(one: Verdict) -> str:
    pulled = f"{one.pulled_at:%Y-%m-%dT%H:%M:%SZ}" if one.pulled_at else "not known"
    mark = _MARKS.get(one.verdict, "RETAIN")
    digest, tags = Digest.from_binary(one.digest), ",".join(one.tags)
    return f"{digest} | {tags} | {one.kind} | {one.pushed_at:%Y-%m-%dT%H:%M:%SZ} | {pulled} | {mark} ({one.verdict})"
