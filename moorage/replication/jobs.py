"""The jobs of a run: one that lists what is taken, and one for each artifact."""

import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec

from moorage.artifacts.kinds import IMAGE, kind_of
from moorage.artifacts.local_registry import Local
from moorage.blobs.blob_integrity import OwnShelf
from moorage.blobs.upload_expiry import remove_upload
from moorage.errors import (
    CopyLimit,
    Invalid,
    ManifestInvalid,
    QuotaExceeded,
    RemoteBusy,
    RemoteDenied,
    RemoteRefused,
    RemoteUnavailable,
    RepositoryUnknown,
    TagImmutable,
)
from moorage.ids import UploadId
from moorage.jobs.queue import GiveUp, RetryLater, job
from moorage.jobs.task_context import Task
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest
from moorage.oci.names import parse_repository
from moorage.registries.adapters.base import Adapter
from moorage.registries.service import RegistryRow, endpoint_of, find_registry
from moorage.remotes.artifact_copy import Copied, Options, Progress, Source, Watch, copy_artifact
from moorage.remotes.blob_upload import CHUNK_BYTES, cancel_upload
from moorage.remotes.retry_policy import read_retry_after
from moorage.replication import artifact_sources, service
from moorage.replication.artifact_sources import Found
from moorage.replication.filters import rename
from moorage.replication.service import Policy
from moorage.replication.shared_clients import share_adapter
from moorage.secret_encryption import SealBroken
from moorage.storage.keys import is_upload

DAY_SECONDS = 86_400
MAX_WAIT_SECONDS = 3_600.0
_ROUNDS = 5
"""How often a push follows tags that move while it copies, before it starts anew later."""

_FINAL = (
    RemoteDenied, RemoteRefused, RepositoryUnknown, ManifestInvalid, QuotaExceeded, TagImmutable,
    CopyLimit, Invalid,
)  # fmt: skip
"""What another attempt would meet again."""


@job(service.PLAN_JOB, retries=5, timeout_seconds=DAY_SECONDS)
async def find_artifacts(task: Task) -> None:
    """Give the run a task for each artifact that its policy takes.

    Safe to run twice: they are made in the transaction that ends this one.
    """
    policy = await task.look(service.get_run, task.execution_id)
    if policy.single_active:
        other = await task.look(service.find_other_run, policy.id, task.execution_id)
        if other is not None:
            raise GiveUp("Execution skipped: active replication still in progress.")
    with _judging():
        each = [_arguments(policy, found) async for found in _find(task, policy)]
    task.log(f"{len(each)} artifacts are to be copied")
    await task.complete(service.begin_run, task.execution_id, each)


async def _find(task: Task, policy: Policy) -> AsyncIterator[Found]:
    filters = policy.compile()
    if not policy.pushes:
        async with _opening(task, policy) as adapter:
            async for found in artifact_sources.find_remote(adapter, filters):
                yield found
        return
    last: str | None = ""
    while last is not None:
        places, name = await task.look(artifact_sources.list_places, filters, last)
        for place in places:
            after: int | None = 0
            while after is not None:
                found_here, number = await task.look(artifact_sources.list_local, filters, place, after)
                for found in found_here:
                    yield found
                after = number or None
        last = name or None


def _arguments(policy: Policy, found: Found) -> dict[str, object]:
    to = rename(found.repository, policy.dest_namespace, policy.replace_count)
    return {**msgspec.structs.asdict(found), "to": to}


async def remove_uploads(task: Task) -> None:
    """Remove what the attempts of a task received of blobs and nobody goes on with: `service.end_uploads` ended it."""
    for place in (await task.look(service.list_uploads, task.id)).values():
        if is_upload(place):
            await remove_upload(task.parts.database, task.parts.storage, UploadId(place))


# Of the 8 places of a worker some are left for other work, however long copies take.
@job(service.COPY_JOB, retries=5, timeout_seconds=DAY_SECONDS, limit=6, ended=remove_uploads)
async def copy(task: Task, *, to: str, refused: str = "", **arguments: object) -> None:
    """Copy an artifact with all that hangs on it.

    Safe to run twice: content is named by its digest, what the target has is left alone, and tags come last.
    """
    found = msgspec.convert(arguments, Found)
    if refused:
        raise GiveUp(refused)
    policy, registry, has_project = await task.look(service.begin_copy, task.execution_id, to)
    with _judging():
        async with _using(task, registry) as adapter:
            if policy.pushes:
                await adapter.prepare_push(to)
                await _push(task, policy, adapter, found, to)
            else:
                if not has_project:
                    await task.run(service.ensure_project, parse_repository(to).project)
                await _pull(task, policy, adapter, found, to)


async def _pull(task: Task, policy: Policy, adapter: Adapter, found: Found, to: str) -> None:
    if found.look and not await _is_image(adapter.client, found):
        task.message = "It is no image, and stays where it is."
        return
    options = await _options(task, policy, found)
    try:
        copied = await copy_artifact(
            adapter.client, found.repository, found.reference, _here(task), to,
            tags=found.tags, options=options, watch=_watching(task),
        )  # fmt: skip
    except QuotaExceeded as problem:
        await task.run(service.refuse_copy, to, found.reference, problem)
        raise
    _tell(task, [copied])


async def _push(task: Task, policy: Policy, adapter: Adapter, found: Found, to: str) -> None:
    """Copy to the other registry, until the tags there lead where they lead here."""
    here, options = _here(task), await _options(task, policy, found)
    done: dict[str, list[str]] = {}
    told: list[Copied] = []
    for _ in range(_ROUNDS):
        wanted = await _find_now(here, found)
        if wanted == done:
            _tell(task, told)
            return
        for digest, tags in wanted.items():
            if done.get(digest) != tags:
                told.append(
                    await copy_artifact(
                        here, found.repository, digest, adapter.client, to,
                        tags=tags, options=options, watch=_watching(task),
                    )
                )  # fmt: skip
        done = wanted
    raise RetryLater("Its tags move faster than it can be copied.")


async def _find_now(here: Local, found: Found) -> dict[str, list[str]]:
    """Where the tags lead now, by digest; of what never had one, itself."""
    if not found.tags:
        digest = await here.find_manifest(found.repository, found.reference)
        return {} if digest is None else {str(digest): []}
    wanted: dict[str, list[str]] = {}
    for tag in found.tags:
        digest = await here.find_manifest(found.repository, tag)
        if digest is not None:
            wanted.setdefault(str(digest), []).append(tag)
    return wanted


@job(service.DELETE_JOB, retries=5, timeout_seconds=3_600)
async def delete(task: Task, *, to: str, whole: bool, refused: str = "", **arguments: object) -> None:
    """Delete at the other registry what was deleted here: tags that lead to the same digest, or the artifact.

    Safe to run twice: what is not there is left alone; and so is what came back here meanwhile.
    """
    found = msgspec.convert(arguments, Found)
    if refused:
        raise GiveUp(refused)
    policy = await task.look(service.get_run, task.execution_id)
    with _judging():
        async with _opening(task, policy) as adapter:
            here = _here(task)
            gone = await _delete(adapter, here, found, to, whole=whole)
            back = await _find_now(here, found)
    task.message = f"{', '.join(gone)} deleted." if gone else "There was nothing to delete."
    again = [{**msgspec.structs.asdict(found), "to": to}] if gone and found.reference in back else []
    await task.complete(service.copy_again, task.execution_id, again)


async def _delete(adapter: Adapter, here: Local, found: Found, to: str, *, whole: bool) -> list[str]:
    """What was deleted there."""
    if whole:
        there = await adapter.client.find_manifest(to, found.reference)
        if there is None or await here.find_manifest(found.repository, found.reference) is not None:
            return []
        await adapter.delete_artifact(to, found.reference)
        return [found.reference]
    gone = []
    for tag in found.tags:
        if str(await here.find_manifest(found.repository, tag)) == found.reference:
            continue
        if str(await adapter.client.find_manifest(to, tag)) == found.reference:
            await adapter.delete_tag(to, tag)
            gone.append(tag)
    return gone


@job(service.CANCEL_JOB, retries=3, timeout_seconds=120)
async def cancel_uploads(task: Task, *, registry_id: int, repository: str, places: list[str]) -> None:
    """Take back uploads of a copy that ended for good, so that they reserve nothing at the other registry.

    Safe to run twice: one that is not there any more is nothing. Addresses elsewhere than at the endpoint are left.
    """
    cancelled = 0
    with _judging():
        async with _using(task, await task.look(find_registry, registry_id)) as adapter:
            for place in places:
                if adapter.client.is_own(place):
                    cancelled += await cancel_upload(adapter.client, repository, place)
    task.message = f"{cancelled} of {len(places)} uploads to {repository} were open, and are cancelled."


# -- parts of a copy ----------------------------------------------------------------------------------------


def _here(task: Task) -> Local:
    parts = task.parts
    return Local(OwnShelf(parts.settings, parts.database, parts.storage), task.actor)


class _Uploads:
    """The uploads that the attempts of a task began. What is noted by one counts while it holds the task."""

    def __init__(self, task: Task, noted: dict[str, str]) -> None:
        self._task = task
        self._noted = noted

    def find(self, digest: Digest) -> str:
        """Where an attempt before this one put a blob."""
        return self._noted.get(str(digest), "")

    async def note(self, digest: Digest, place: str) -> None:
        """Note where this one does."""
        if self._noted.get(str(digest)) != place:
            self._noted[str(digest)] = place
            await self._task.run(service.note_upload, self._task.id, str(digest), place)


_PLACES: dict[int, OrderedDict[Digest, str]] = {}
MAX_PLACES = 20_000


def _places(registry_id: int) -> OrderedDict[Digest, str]:
    """Where blobs are at another registry, as far as this process found or put them there; the newest of them."""
    found = _PLACES.setdefault(registry_id, OrderedDict())
    while len(found) > MAX_PLACES:
        found.popitem(last=False)
    return found


@contextlib.asynccontextmanager
async def _opening(task: Task, policy: Policy) -> AsyncIterator[Adapter]:
    """The other registry."""
    async with _using(task, await task.look(find_registry, policy.registry_id)) as adapter:
        yield adapter


@contextlib.asynccontextmanager
async def _using(task: Task, row: RegistryRow | None) -> AsyncIterator[Adapter]:
    """As `_opening`, of a registry that was looked up; None: it is not known any more."""
    if row is None:
        raise GiveUp("The other registry is known here no more.")
    try:
        endpoint = endpoint_of(row, task.parts.seals)
    except SealBroken as error:
        raise GiveUp(f"The secret of the registry {row.name} cannot be opened: {error}.") from error
    async with share_adapter(task.parts.outgoing, row.kind, endpoint) as adapter:
        yield adapter


async def _options(task: Task, policy: Policy, found: Found) -> Options:
    filters = policy.compile()
    noted = await task.look(service.list_uploads, task.id) if task.attempt > 1 else {}
    return Options(
        platforms=filters.takes_platform if filters.platforms else None,
        override=policy.override,
        places=_places(policy.registry_id) if policy.pushes else None,
        chunk_bytes=CHUNK_BYTES if policy.copy_by_chunk else 0,
        bytes_per_second=policy.speed_kb * 1024,
        journal=_Uploads(task, noted),
        known_tags=None if found.signatures is None else frozenset(found.signatures),
    )


def _watching(task: Task) -> Watch:
    async def watch(progress: Progress) -> None:
        done = progress.manifests + progress.blobs + progress.mounted + progress.skipped
        task.progress(done, done_bytes=progress.done_bytes, total_bytes=progress.total_bytes)

    return watch


async def _is_image(source: Source, found: Found) -> bool:
    manifest = await source.get_manifest(found.repository, found.reference)
    return kind_of(manifests.parse(manifest.raw, manifest.media_type)) == IMAGE


def _tell(task: Task, told: Sequence[Copied]) -> None:
    """Say what came of it, in the log and in a sentence."""
    if not told:
        task.message = "It is here no more."
        return
    for one in told:
        progress = one.progress
        task.log(
            f"{one.digest}: {progress.manifests} manifests put, {progress.blobs} blobs sent ({progress.sent_bytes} "
            f"bytes), {progress.mounted} mounted, {progress.skipped} there already; tags {', '.join(one.tags) or '-'}"
        )
        if one.missing_children:
            task.log(f"{one.missing_children} children of indexes were left out")
    kept = [tag for one in told for tag in one.kept_tags]
    if kept:
        task.message = f"{', '.join(kept)} led elsewhere there, and stayed."
    elif not any(one.changed for one in told):
        task.message = "It was there already."


@contextlib.contextmanager
def _judging() -> Iterator[None]:
    """Say of what went wrong whether it is worth another attempt, and when."""
    try:
        yield
    except _FINAL as problem:
        raise GiveUp(str(problem)) from problem
    except (RemoteBusy, RemoteUnavailable) as problem:
        told = read_retry_after(problem.headers)
        wait = None if told is None else min(told, MAX_WAIT_SECONDS)
        raise RetryLater(str(problem), after_seconds=wait) from problem
