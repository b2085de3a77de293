"""Find what is wrong with a running server, each problem with its remedy.

What `moorage check` finds on this machine (`doctor.py`), and what only a running server knows: whether its parts
answer, sources of people that lack a setting, an audit log that does not leave, a clock that jumped, background work
that nobody takes up, other registries that do not answer.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Integer, String, Text, column, exists, func, select, table

from moorage.configuration.cached_settings import Live
from moorage.configuration.schema import Items
from moorage.db.base import UtcTime, db_now
from moorage.db.engine import Database
from moorage.db.migrate import HEAD
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.jobs.scheduler import SCHEDULER, is_paused
from moorage.jobs.tables import Schedule, Task, Worker
from moorage.registries.tables import Registry
from moorage.settings import Settings, shown_url
from moorage.system import doctor
from moorage.system.doctor import Facts, Finding, utc_text
from moorage.system.health import Health

FRESH_SECONDS = 10.0
PATIENCE_SECONDS = 10.0
_LATE_SECONDS = 600.0
_NO_WORKER_SECONDS = 60.0
_MOST_REGISTRIES = 20
_ORDER = {"error": 0, "warning": 1, "ok": 2}

_GC_STATE = table("gc_state", column("id", Integer), column("held_until", UtcTime))
_EXPORT = table("audit_export", column("endpoint", String), column("failing_since", UtcTime), column("error", Text))
_REVISION = table("alembic_version", column("version_num", String))
"""Of subjects beside this one only what they noted is asked for."""


class Findings:
    """Looks at everything at most every 10 s, whoever asks, and waits at most 10 s for what does not answer."""

    def __init__(self, settings: Settings, database: Database, live: Live, health: Health) -> None:
        self._settings = settings
        self._database = database
        self._live = live
        self._health = health
        self._looked_at = float("-inf")
        self._found: list[Finding] = []
        self._looking = asyncio.Lock()

    async def list_findings(self) -> list[Finding]:
        """What was found, errors first; what is well is told, too."""
        async with self._looking:
            if time.monotonic() - self._looked_at > FRESH_SECONDS:
                found = [*await self._of_parts(), *await self._of_machine(), *await self._of_rows()]
                found += self._of_sources(self._live.current)
                self._found = sorted(found, key=lambda one: _ORDER[one.state])
                self._looked_at = time.monotonic()
        return self._found

    async def _of_parts(self) -> list[Finding]:
        """The database and the storage, as `/health` looks at them."""
        s3 = self._settings.storage.s3
        storage = f"{s3.endpoint or 'S3'}, bucket {s3.bucket}" if self._settings.storage.kind == "s3" else ""
        places = {
            "database": str(self._settings.sqlite_file or shown_url(self._settings.database_url)),
            "registry": storage or str(self._settings.storage_folder),
        }
        mends = {
            "database": "is it running, and are host, port, name and password right?",
            "registry": "is it there, is there room, and are owner, keys and bucket right?",
        }
        names = {  # area, what is found when it answers and when it does not
            "database": ("database", "DATABASE_ANSWERS", "DATABASE_UNREACHABLE"),
            "registry": ("storage", "STORAGE_ANSWERS", "STORAGE_UNREACHABLE"),
        }
        found = []
        for name, error in (await self._health.components()).items():
            if name not in places:
                continue
            place = places[name]
            area, well, code = names[name]
            if error:
                text = f"{place} does not do its work: {error}"
                found.append(Finding(area, "error", text, mends[name], code, place))
            else:
                found.append(Finding(area, "ok", f"{place} can be written and read", where=place, kind=well))
        return found

    async def _of_machine(self) -> list[Finding]:
        """What `moorage check` looks at, in a thread: a folder on a dead mount answers late or never."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.to_thread(_look_at_machine, self._settings)
        except TimeoutError:
            text = f"looking at the folders took longer than {PATIENCE_SECONDS:.0f} s"
            where = str(self._settings.data_folder)
            mend = "look at the mounts of the data folder and of the storage folder"
            facts = {"seconds": round(PATIENCE_SECONDS)}
            return [Finding("storage", "error", text, mend, "FOLDER_NOT_ANSWERING", where, facts=facts)]

    async def _of_rows(self) -> list[Finding]:
        try:
            return await self._database.look(_look_at_rows)
        except Problem:
            return []  # the database was named already

    def _of_sources(self, items: Items) -> Iterator[Finding]:
        """Sources of people that nobody can come from, since something is not set."""
        lacks = {
            "ldap": [name for name in ("ldap_url", "ldap_base_dn") if not getattr(items, name)],
            "oidc": [name for name in ("oidc_endpoint", "oidc_client_id") if not getattr(items, name)],
            "header": [name for name in ("header_user",) if not getattr(items, name)]
            + ([] if self._settings.trusted_proxies else ["trusted_proxies"]),
        }
        for source in items.auth_sources:
            missing = lacks.get(source, [])
            if missing:
                text = f"people are to come from `{source}`, but {' and '.join(missing)} is not set"
                mend = f"set it, or take `{source}` out of auth_sources"
                facts: Facts = {"source": source, "missing": missing}
                yield Finding("sign-in", "error", text, mend, "SOURCE_INCOMPLETE", missing[0], facts=facts)
        if items.read_only:
            text = "the registry is read-only: every push and every change is refused"
            yield Finding("settings", "warning", text, "set read_only to false", "READ_ONLY", "read_only")


def _look_at_machine(settings: Settings) -> list[Finding]:
    looks = (
        doctor.look_at_folder, doctor.look_at_storage, doctor.look_at_proxies, doctor.look_at_transport,
        doctor.look_at_certificate,
    )  # fmt: skip
    return [*(finding for look in looks for finding in look(settings)), *doctor.look_at_machine()]


def _look_at_rows(work: Work) -> list[Finding]:
    found = []
    revision = work.db.scalar(select(_REVISION.c.version_num))
    if revision != HEAD:
        text = f"the tables have revision {revision}, this version was made for {HEAD}"
        mend = "moorage migrate, or start the version that fits"
        facts = {"found": str(revision or ""), "wanted": HEAD}
        found.append(Finding("database", "warning", text, mend, "DATABASE_REVISION", facts=facts))
    now: datetime = work.db.execute(select(db_now())).scalar_one()
    held = work.db.scalar(select(_GC_STATE.c.held_until))
    if held is not None and held > now:
        text = f"the database's clock jumped; nothing is collected until {held:%Y-%m-%d %H:%M} UTC"
        mend = "check the time service of the database's host"
        found.append(Finding("clock", "warning", text, mend, "CLOCK_JUMPED", facts={"until_at": utc_text(held)}))
    for row in work.db.execute(select(_EXPORT).where(_EXPORT.c.failing_since.is_not(None))):
        text = f"the audit log does not reach {row.endpoint} since {row.failing_since:%Y-%m-%d %H:%M} UTC: {row.error}"
        mend = "is the receiver running, and are its address and certificate right? Nothing is lost meanwhile"
        facts = {"since_at": utc_text(row.failing_since)}
        found.append(Finding("audit", "error", text[:1000], mend, "AUDIT_NOT_SENT", row.endpoint, facts=facts))
    return [*found, *_look_at_jobs(work), *_look_at_registries(work)]


def _look_at_jobs(work: Work) -> Iterator[Finding]:
    """Background work that nobody takes up. What is paused may wait."""
    mend = "run one server without --no-jobs, or `moorage work`"
    if work.db.scalar(select(exists().where(Worker.heartbeat_at > db_now(-_NO_WORKER_SECONDS)))):
        return
    waiting = select(Task.vendor_type, func.count(), func.min(Task.updated_at)).where(
        Task.status == "Pending", Task.updated_at < db_now(-_LATE_SECONDS)
    )
    for queue, count, since in work.db.execute(waiting.group_by(Task.vendor_type).order_by(Task.vendor_type)):
        if not is_paused(work, queue):
            text = f"{count} tasks of {queue} wait since {since:%Y-%m-%d %H:%M} UTC, and no worker runs"
            facts: Facts = {"count": count, "since_at": utc_text(since)}
            yield Finding("jobs", "error", text, mend, "TASKS_WAIT", queue, facts=facts)
    late = work.db.scalar(select(func.count()).where(Schedule.next_at < db_now(-_LATE_SECONDS)))
    if late and not is_paused(work, SCHEDULER):
        text = f"{late} schedules are late, and nobody looks at them"
        yield Finding("jobs", "error", text, mend, "SCHEDULES_LATE", SCHEDULER, facts={"count": late})


def _look_at_registries(work: Work) -> Iterator[Finding]:
    """Other registries that did not answer when they were looked at last."""
    ill = select(Registry.name, Registry.url, Registry.status_reason).where(Registry.status == "unhealthy")
    for name, url, reason in work.db.execute(ill.order_by(Registry.name).limit(_MOST_REGISTRIES)):
        text = f"the registry {name} at {url} cannot be used: {reason}"
        mend = "look at its address, its certificate and the credential for it"
        yield Finding("registries", "warning", text[:1000], mend, "REGISTRY_UNHEALTHY", name, facts={"url": url})
