"""`moorage check`: look at everything that a server needs, and name each thing that is wrong with its mend.

It changes nothing, and works beside a running server.
"""

import argparse
import json
import os
import re
import resource
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from moorage.cli.arguments import Commands, add_command, add_json, read_settings
from moorage.cli.exits import DONE, FAILED, Stop
from moorage.cli.folder import is_locked, require_writable, user_name
from moorage.cli.listening import check_certificate, reserve
from moorage.cli.prepare import ADMIN_PASSWORD, check_keys, check_seals, look
from moorage.db.migrate import HEAD, MigrationRefused, is_current
from moorage.errors import Problem
from moorage.settings import Loaded, Settings, list_keys, shown_url

LEAST_FREE_BYTES = 1024**3
LEAST_OPEN_FILES = 4096
BUCKET_SECONDS = 20
SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: settings, permissions, keys, database, storage, port, certificate, machine.
        state: `ok`, `warning` (it works, but look at it) or `error` (a server would not start, or would fail).
        text: what was found; names the file, the port or the owner.
        mend: what to do about it; empty when it is ok.
    """

    area: str
    state: str
    text: str
    mend: str = ""


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
        yield Finding("settings", "error", str(stop), "change it where the message says it comes from")
        return
    settings = loaded.settings
    set_here = sorted(key for key, source in loaded.sources.items() if source != "default")
    yield Finding("settings", "ok", f"all known; set are: {', '.join(set_here) or 'none'}")
    yield from _look_at_settings(loaded)
    yield from _look_at_folder(settings)
    yield from _look_at_database(settings)
    yield from _look_at_storage(settings)
    yield from _look_at_port(settings)
    yield from _look_at_certificate(settings)
    yield from _look_at_machine()


def _look_at_settings(loaded: Loaded) -> Iterator[Finding]:
    settings = loaded.settings
    for key in list_keys():
        source = loaded.sources[key.name]
        if not key.secret or source == "default":
            continue
        file = Path(source.partition(", file ")[2] or source)
        if source.startswith("environment ") and ", file " not in source:
            text = f"`{key.name}` stands in the environment, where it is passed on and shown by tools"
            yield Finding("settings", "warning", text, f"put it into a file and set {key.variable}_FILE")
        elif file.is_file() and file.stat().st_mode & 0o077:
            text = f"others may read {file}, which holds `{key.name}`"
            yield Finding("permissions", "warning", text, f"chmod 600 {file}")
    if any(network in {"0.0.0.0/0", "::/0"} for network in settings.trusted_proxies):
        text = "`trusted_proxies` trusts everybody: any client can forge its address and the URL of tokens"
        yield Finding("settings", "warning", text, "name the addresses of the proxies only")


def _look_at_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_folder
    if not folder.exists():
        parent = next(above for above in folder.parents if above.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            yield Finding("permissions", "ok", f"the data folder {folder} does not exist yet; the first start makes it")
        else:
            text = (
                f"the data folder {folder} does not exist, and {parent} does not let {user_name(os.geteuid())} make it"
            )
            yield Finding("permissions", "error", text, f"make {folder} and give it to that account")
        return
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        yield Finding("permissions", "error", f"the data folder {folder} is not a folder", "name another with --data")
        return
    me, owner = user_name(os.geteuid()), user_name(found.st_uid)
    if found.st_uid != os.geteuid():
        text = f"the data folder {folder} belongs to {owner}, and this runs as {me}"
        yield Finding("permissions", "error", text, f"run as {owner}, or: chown -R {os.geteuid()} {folder}")
        return
    if found.st_mode & stat.S_IWOTH:
        yield Finding("permissions", "error", f"everybody may write to {folder}", f"chmod 700 {folder}")
    elif found.st_mode & 0o077:
        yield Finding("permissions", "warning", f"others may look into {folder}", f"chmod 700 {folder}")
    mend = "look at the owner, the mode and the mount of the folder"
    yield from _try("permissions", partial(require_writable, folder, "data folder"), f"{folder} is ours", mend)
    if (folder / ADMIN_PASSWORD).exists():
        text = f"the password that was made for `admin` still lies in {folder / ADMIN_PASSWORD}"
        yield Finding("permissions", "warning", text, "change it: moorage user set-password admin")


def _look_at_database(settings: Settings) -> Iterator[Finding]:
    place = str(settings.sqlite_file or shown_url(settings.database_url))
    try:
        revision, is_empty = look(settings)
        current = is_current(revision)
    except (Stop, MigrationRefused) as error:
        mend = "is it running, and are host, port, name and password right?"
        yield Finding("database", "error", str(error), mend if isinstance(error, Stop) else "see the message")
        return
    if revision is None:
        yield Finding("database", "ok", f"{place} is empty; the first start fills it")
        return
    if current:
        yield Finding("database", "ok", f"{place} can be reached; its tables have revision {HEAD}")
    else:
        text = f"{place} has revision {revision}, this version needs {HEAD}"
        yield Finding("database", "warning", text, "moorage migrate (on SQLite the next start does it)")
    if settings.sqlite_file:
        yield from _look_into_sqlite(settings.sqlite_file)
    if not is_empty:
        mend = "do what the message says; keys are part of the backup"
        yield from _try(
            "keys",
            partial(_look_at_keys, settings, current=current),
            "signing and sealing keys are there and ours alone",
            mend,
        )


def _look_at_keys(settings: Settings, *, current: bool) -> None:
    seals = check_keys(settings)
    if current:  # else the table of their ids may be missing
        check_seals(settings, seals)


def _look_into_sqlite(file: Path) -> Iterator[Finding]:
    import sqlite3

    for part in (file, file.with_name(f"{file.name}-wal")):
        if part.exists() and part.stat().st_uid != os.geteuid():
            text = f"{part} belongs to {user_name(part.stat().st_uid)}"
            yield Finding("permissions", "error", text, f"chown {os.geteuid()} {part}")
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        answer = str(error)
    if answer != "ok":
        yield Finding("database", "error", f"{file} is damaged: {answer}", "restore the newest backup")


def _look_at_storage(settings: Settings) -> Iterator[Finding]:
    if settings.storage.kind == "memory":
        yield Finding("storage", "warning", "storage.kind is memory: all content is lost at the end", "for tests only")
    if settings.storage.kind == "s3":
        yield from _look_at_bucket(settings)
    if settings.storage.kind != "filesystem":
        return
    folder = settings.storage_folder
    if not folder.exists():
        yield Finding("storage", "ok", f"{folder} does not exist yet; the first start makes it")
        return
    mend = "look at the owner, the mode and the mount of the folder"
    yield from _try("storage", partial(require_writable, folder, "storage folder"), f"{folder} can be written", mend)
    usage = shutil.disk_usage(folder)
    if usage.free < LEAST_FREE_BYTES:
        text = f"the disk of {folder} has {usage.free // 1024**2} MiB free"
        yield Finding("storage", "warning", text, "free some space or give it a larger disk")
    objects, uploads = folder / "docker", folder / "uploads"
    if objects.exists() and uploads.exists() and objects.stat().st_dev != uploads.stat().st_dev:
        text = f"{uploads} and {objects} are on different file systems: an upload cannot be finished by a rename"
        yield Finding("storage", "error", text, "mount the storage folder as a whole")


def _look_at_bucket(settings: Settings) -> Iterator[Finding]:
    import asyncio

    from moorage.storage.open import open_storage

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
        yield Finding("storage", "error", text, "is it running, and are endpoint, region, bucket and keys right?")
    else:
        yield Finding("storage", "ok", f"{place} can be written and read")


def _look_at_port(settings: Settings) -> Iterator[Finding]:
    if is_locked(settings.data_folder):
        yield Finding("port", "ok", f"a server of this data folder is running; {settings.listen} was not tried")
        return
    try:
        reserve(settings).keeper.close()
    except Stop as stop:
        yield Finding("port", "error", str(stop), "stop what listens there, or choose another with --listen")
    else:
        yield Finding("port", "ok", f"{settings.listen} is free")
    host = settings.address[0]
    is_local = host in {"localhost", "::1"} or host.startswith("127.")
    if not settings.tls_cert and not is_local and not settings.external_url.startswith("https:"):
        text = f"plain HTTP on {settings.listen}: passwords travel in the clear, and docker elsewhere refuses it"
        yield Finding("port", "warning", text, "set tls_cert and tls_key, or a proxy with TLS and external_url")


def _look_at_certificate(settings: Settings) -> Iterator[Finding]:
    if not settings.tls_cert:
        return
    try:
        check_certificate(settings.tls_cert, settings.tls_key)
    except Stop as stop:
        yield Finding("certificate", "error", str(stop), "name a chain and its key, both in PEM")
        return
    from cryptography import x509

    certificate = x509.load_pem_x509_certificates(Path(settings.tls_cert).read_bytes())[0]
    end, now = certificate.not_valid_after_utc, datetime.now(UTC)
    if end < now:
        yield Finding("certificate", "error", f"{settings.tls_cert} ended at {end:%Y-%m-%d %H:%M} UTC", "renew it")
    elif certificate.not_valid_before_utc > now:
        begin = certificate.not_valid_before_utc
        yield Finding(
            "certificate", "error", f"{settings.tls_cert} begins at {begin:%Y-%m-%d %H:%M} UTC", "set the clock"
        )
    elif end < now + SOON:
        yield Finding("certificate", "warning", f"{settings.tls_cert} ends at {end:%Y-%m-%d %H:%M} UTC", "renew it")
    else:
        yield Finding("certificate", "ok", f"{settings.tls_cert} and {settings.tls_key} fit; good until {end:%Y-%m-%d}")
    if Path(settings.tls_key).stat().st_mode & 0o077:
        text = f"others may read the key {settings.tls_key}"
        yield Finding("permissions", "warning", text, f"chmod 600 {settings.tls_key}")
    host = urlsplit(settings.external_url).hostname
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    except x509.ExtensionNotFound:
        known = []
    if host and not any(_fits(host, name) for name in known):
        text = f"{settings.tls_cert} is not for {host} (it is for {', '.join(known) or 'no name'})"
        yield Finding("certificate", "error", text, "clients will refuse it: get one for that name")


def _fits(host: str, name: str) -> bool:
    return host == name.lower() or (name.startswith("*.") and bool(re.fullmatch(r"[^.]+" + re.escape(name[1:]), host)))


def _look_at_machine() -> Iterator[Finding]:
    if os.geteuid() == 0:
        text = "this runs as root (uid 0)"
        yield Finding("machine", "warning", text, "give the data folder to an account of its own and run as that")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < LEAST_OPEN_FILES:
        text = f"a process may open {hard} files and connections"
        yield Finding(
            "machine", "warning", text, f"raise the limit: LimitNOFILE=65536 (systemd), ulimit -n {LEAST_OPEN_FILES}"
        )


def _try(area: str, action: Callable[[], object], good: str, mend: str) -> Iterator[Finding]:
    try:
        action()
    except Stop as stop:
        yield Finding(area, "error", str(stop), mend)
    else:
        yield Finding(area, "ok", good)
