"""`moorage check`: look at everything that a server needs, and name each thing that is wrong with its mend.

It changes nothing, and works beside a running server.
"""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from moorage.cli.arguments import Commands, add_command, add_json, read_settings
from moorage.cli.data_folder import is_locked
from moorage.cli.exit_status import DONE, FAILED, Stop
from moorage.cli.listen_address import reserve
from moorage.cli.prepare import check_keys, check_seals, look, makes_tables
from moorage.cli.settings_loader import Loaded
from moorage.db.migrate import HEAD, MigrationRefused, is_current
from moorage.errors import Problem
from moorage.settings import Settings, list_keys, shown_url
from moorage.system import doctor
from moorage.system.doctor import Finding, user_name

BUCKET_SECONDS = 20


def add(commands: Commands) -> None:
    """Describe the command."""
    command = add_command(commands, "check", run, does="look at settings, database, storage, port and permissions",
                          examples="""
moorage check --data /srv/moorage
moorage check --json | jq -r '.[] | select(.state == "error") | .mend'
""")  # fmt: skip
    command.add_argument("--listen", metavar="HOST:PORT", help="as for `moorage serve`")
    command.add_argument("--tls-cert", metavar="FILE", help="as for `moorage serve`")
    command.add_argument("--tls-key", metavar="FILE", help="as for `moorage serve`")
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; the status is 1 when one of them is an error."""
    findings = list(list_findings(arguments))
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            mend = f"\n{'':24}mend: {finding.mend}" if finding.mend else ""
            print(f"{finding.state:<8} {finding.area:<14} {finding.text}{mend}")
    return FAILED if any(finding.state == "error" for finding in findings) else DONE


def list_findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    """All findings; the settings first, since the others follow from them."""
    try:
        loaded = read_settings(arguments)
    except Stop as stop:
        mend = "change it where the message says it comes from"
        yield Finding("settings", "error", str(stop), mend, "SETTING_UNUSABLE")
        return
    settings = loaded.settings
    set_here = sorted(key for key, source in loaded.sources.items() if source != "default")
    yield Finding("settings", "ok", f"all known; set are: {', '.join(set_here) or 'none'}")
    yield from _look_at_settings(loaded)
    yield from doctor.look_at_folder(settings)
    yield from _look_at_database(settings)
    yield from doctor.look_at_storage(settings)
    if settings.storage.kind == "s3":
        yield from _look_at_bucket(settings)
    yield from _look_at_port(settings)
    yield from doctor.look_at_transport(settings)
    yield from doctor.look_at_certificate(settings)
    yield from doctor.look_at_machine()


def _look_at_settings(loaded: Loaded) -> Iterator[Finding]:
    settings = loaded.settings
    for key in list_keys():
        source = loaded.sources[key.name]
        if not key.secret or source == "default":
            continue
        file = Path(source.partition(", file ")[2] or source)
        if source.startswith("environment ") and ", file " not in source:
            text = f"`{key.name}` stands in the environment, where it is passed on and shown by tools"
            mend = f"put it into a file and set {key.variable}_FILE"
            yield Finding("settings", "warning", text, mend, "SECRET_IN_ENVIRONMENT", key.name)
        elif file.is_file() and file.stat().st_mode & 0o077:
            text = f"others may read {file}, which holds `{key.name}`"
            yield Finding("permissions", "warning", text, f"chmod 600 {file}", "SECRET_READABLE", str(file))
    yield from doctor.look_at_proxies(settings)


def _look_at_database(settings: Settings) -> Iterator[Finding]:
    place = str(settings.sqlite_file or shown_url(settings.database_url))
    try:
        revision, is_empty = look(settings)
        current = is_current(revision)
    except (Stop, MigrationRefused) as error:
        mend = "is it running, and are host, port, name and password right?"
        if isinstance(error, MigrationRefused):
            mend = "see the message"
        yield Finding("database", "error", str(error), mend, "DATABASE_UNREACHABLE", place)
        return
    if revision is None and not makes_tables(settings):
        mend = "moorage migrate, or set database.migrate to auto"
        yield Finding("database", "warning", f"{place} has no tables yet", mend, "DATABASE_EMPTY", place)
        return
    if revision is None:
        yield Finding("database", "ok", f"{place} is empty; the first start fills it")
        return
    if current:
        yield Finding("database", "ok", f"{place} can be reached; its tables have revision {HEAD}")
    else:
        text = f"{place} has revision {revision}, this version needs {HEAD}"
        mend = "moorage migrate (on SQLite the next start does it)"
        yield Finding("database", "warning", text, mend, "DATABASE_REVISION", place)
    if settings.sqlite_file:
        yield from _look_into_sqlite(settings.sqlite_file)
    if not is_empty:
        mend = "do what the message says; keys are part of the backup"
        try:
            _look_at_keys(settings, current=current)
        except Stop as stop:
            yield Finding("keys", "error", str(stop), mend, "KEYS_UNUSABLE", str(settings.data_folder / "keys"))
        else:
            yield Finding("keys", "ok", "signing and sealing keys are there and ours alone")


def _look_at_keys(settings: Settings, *, current: bool) -> None:
    seals = check_keys(settings)
    if current:  # else the table of their ids may be missing
        check_seals(settings, seals)


def _look_into_sqlite(file: Path) -> Iterator[Finding]:
    import sqlite3

    for part in (file, file.with_name(f"{file.name}-wal")):
        if part.exists() and part.stat().st_uid != os.geteuid():
            text = f"{part} belongs to {user_name(part.stat().st_uid)}"
            yield Finding("permissions", "error", text, f"chown {os.geteuid()} {part}", "DATABASE_FOREIGN", str(part))
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        answer = str(error)
    if answer != "ok":
        text = f"{file} is damaged: {answer}"
        yield Finding("database", "error", text, "restore the newest backup", "DATABASE_DAMAGED", str(file))


def _look_at_bucket(settings: Settings) -> Iterator[Finding]:
    import asyncio

    from moorage.storage.drivers import open_storage

    async def ask() -> None:
        storage = open_storage(settings)
        try:
            async with asyncio.timeout(BUCKET_SECONDS):
                await storage.open()
                await storage.check()
        finally:
            await storage.close()

    place = f"{settings.storage.s3.endpoint or 'S3'}, bucket {settings.storage.s3.bucket}"
    try:
        asyncio.run(ask())
    except (Problem, TimeoutError) as error:
        reason = str(error) if isinstance(error, Problem) else f"no answer within {BUCKET_SECONDS} s"
        text = f"{place} does not take bytes: {reason}"
        mend = "is it running, and are endpoint, region, bucket and keys right?"
        yield Finding("storage", "error", text, mend, "STORAGE_UNREACHABLE", place)
    else:
        yield Finding("storage", "ok", f"{place} can be written and read")


def _look_at_port(settings: Settings) -> Iterator[Finding]:
    if is_locked(settings.data_folder):
        yield Finding("port", "ok", f"a server of this data folder is running; {settings.listen} was not tried")
        return
    try:
        reserve(settings).keeper.close()
    except Stop as stop:
        mend = "stop what listens there, or choose another with --listen"
        yield Finding("port", "error", str(stop), mend, "PORT_UNUSABLE", settings.listen)
    else:
        yield Finding("port", "ok", f"{settings.listen} is free")
