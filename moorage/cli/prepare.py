"""What a server needs before it starts: tables, keys, storage, the first administrator.

All of it runs in a child process that ends, so that the imports it takes stay out of the parent.
"""

import os
import secrets
import string
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from moorage.cli.exit_status import FAILED, UNFIT, UNREACHABLE, Stop
from moorage.db.migrate import (
    HEAD,
    MigrationRefused,
    find_sqlite_revision,
    forget_statistics,
    is_current,
    require_columns,
)
from moorage.errors import Problem
from moorage.key_files import KeysInvalid, write_key
from moorage.settings import FIRST_PASSWORD, Settings, shown_url

if TYPE_CHECKING:
    from moorage.db.unit_of_work import Work
    from moorage.secret_encryption import Seals

ADMIN_PASSWORD = FIRST_PASSWORD
"""The file in the data folder that keeps the first administrator's password until it is changed."""

PASSWORD_LENGTH = 24


class Prepared(msgspec.Struct, kw_only=True):
    """What was found and done.

    Attributes:
        first: whether the store was empty, and was filled.
        notes: sentences for the operator.
        problem: why the server cannot start; empty when it can.
        status: the exit status then.
    """

    first: bool = False
    notes: list[str] = []
    problem: str = ""
    status: int = 0


def prepare_in_child(settings: Settings, meanwhile: Callable[[], None]) -> Prepared:
    """Run `prepare` in a process of its own, and `meanwhile` in this one.

    Raises:
        Stop: the server cannot start.
    """
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        _run_child(settings, into)
    os.close(into)
    meanwhile()
    with os.fdopen(out, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if not answer:
        raise Stop("The preparation ended without an answer; what it printed is above.", FAILED)
    prepared = msgspec.json.decode(answer, type=Prepared)
    if prepared.problem:
        raise Stop(prepared.problem, prepared.status)
    return prepared


def _run_child(settings: Settings, into: int) -> None:
    """Prepare, write the answer and end this process, whatever happens."""
    status = 1
    try:
        try:
            prepared = prepare(settings)
        except Stop as stop:
            prepared = Prepared(problem=str(stop), status=stop.status)
        os.write(into, msgspec.json.encode(prepared))
        status = 0
    except BaseException:  # noqa: BLE001 - this process has to end here and nowhere else
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def prepare(settings: Settings) -> Prepared:
    """Bring the tables up to date, see that keys and storage are fit, and fill an empty store.

    Raises:
        Stop: the server cannot start.
    """
    prepared = Prepared(notes=_look_at_certificate(settings))
    empty = True
    try:
        revision, empty = look(settings)
        if not is_current(revision):
            prepared.notes += _migrate(settings, revision)
            empty = look(settings)[1]
    except MigrationRefused as refused:
        raise Stop(str(refused), UNFIT) from refused
    if settings.sqlite_file and forget_statistics(settings.sqlite_file):
        prepared.notes.append("what ANALYZE had left in the database was removed: it makes statements slow here.")
    if empty:
        _make_keys(settings)
    if settings.config_overwrite:
        check_overwrite(settings)
    seals = check_keys(settings)
    is_known = check_seals(settings, seals)
    if empty:
        prepared.first = True
        _fill(settings, seals)
        return prepared
    if not is_known:
        _note_seal_key(settings, seals.key_id)
        prepared.notes.append(f"from now on the sealing key {seals.key_id} seals; keep the ones before.")
    if settings.admin_password:
        prepared.notes.append("the given admin password is ignored: it counts at the first start only.")
    return prepared


def _look_at_certificate(settings: Settings) -> list[str]:
    """What is wrong with a certificate that can be used all the same: it has ended, or its key is open to others."""
    if not settings.tls_cert:
        return []
    from moorage.system.doctor import look_at_certificate

    return [f"warning: {each.text}: {each.mend}." for each in look_at_certificate(settings) if each.state != "ok"]


def look(settings: Settings) -> tuple[str | None, bool]:
    """The revision of the database, and whether it holds no account yet.

    Raises:
        Stop: it cannot be reached.
        MigrationRefused: the file is no database, or its tables are not those of its revision.
    """
    if settings.sqlite_file:
        revision = find_sqlite_revision(settings.sqlite_file)
        _require_columns(settings, revision, _SQLITE_COLUMNS)
        return revision, revision is None or not _ask(settings, "SELECT 1 FROM user_account LIMIT 1")
    if _ask(settings, "SELECT to_regclass('alembic_version')") == [(None,)]:
        return None, True
    found = _ask(settings, "SELECT version_num FROM alembic_version")
    _require_columns(settings, str(found[0][0]) if found else None, _POSTGRESQL_COLUMNS)
    is_there = found and _ask(settings, "SELECT to_regclass('user_account')") != [(None,)]
    return (
        str(found[0][0]) if found else None,
        not is_there or not _ask(settings, "SELECT 1 FROM user_account LIMIT 1"),
    )


_SQLITE_COLUMNS = (
    "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_xinfo(m.name) c WHERE m.type = 'table'"
)
_POSTGRESQL_COLUMNS = (
    "SELECT table_name || '.' || column_name FROM information_schema.columns "
    "WHERE table_schema = ANY(current_schemas(false))"
)


def _require_columns(settings: Settings, revision: str | None, query: str) -> None:
    if revision == HEAD:
        require_columns([str(row[0]) for row in _ask(settings, query)])


def _ask(settings: Settings, query: str) -> list[tuple[object, ...]]:
    """The rows of a query, on a connection of its own; through the driver alone, for SQLAlchemy takes 0.3 s to import.

    Raises:
        Stop: the database cannot be reached.
    """
    if settings.sqlite_file:
        import sqlite3

        with closing(sqlite3.connect(f"{settings.sqlite_file.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            return db.execute(query).fetchall()
    import psycopg

    url = settings.database_url
    scheme, _, rest = url.partition("://")
    try:
        with psycopg.connect(f"{scheme.partition('+')[0]}://{rest}", connect_timeout=5) as session:
            return session.execute(query.encode()).fetchall()
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise Stop(f"The database {shown_url(url)} cannot be used: {reason}", UNREACHABLE) from error


def makes_tables(settings: Settings) -> bool:
    """Whether a start brings the tables up to date by itself."""
    return (settings.database.migrate or ("auto" if settings.sqlite_file else "manual")) == "auto"


def _migrate(settings: Settings, revision: str | None) -> list[str]:
    """Bring the tables up to date where that is allowed.

    Raises:
        Stop: it is not; the message names the command.
    """
    if not makes_tables(settings):
        state = f"have revision {revision}" if revision else "are missing"
        raise Stop(
            f"The tables in {shown_url(settings.database_url)} {state}, this version needs {HEAD}: "
            "run `moorage migrate` with the same settings, or set database.migrate to auto.",
            UNFIT,
        )
    before, copy = migrate_tables(settings)
    if before is None or before == HEAD:
        return []
    note = f"the tables were brought from revision {before} to {HEAD}"
    return [f"{note}; the database as it was before is kept in {copy}." if copy else f"{note}."]


def migrate_tables(settings: Settings) -> tuple[str | None, Path | None]:
    """What `db.migrate.migrate` does, with what goes wrong as a sentence.

    Raises:
        Stop: the database cannot be reached, or a revision failed.
        MigrationRefused: a newer version has changed the tables.
    """
    from sqlalchemy.exc import DBAPIError

    from moorage.db.migrate import migrate

    try:
        return migrate(settings.database_url)
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        place = shown_url(settings.database_url)
        raise Stop(
            f"The tables in {place} could not be changed: {reason}; nothing was changed.", UNREACHABLE
        ) from error


# -- keys -------------------------------------------------------------------------------------------------


def _make_keys(settings: Settings) -> None:
    """Make what is missing while the store is empty; later a missing key is an error."""
    from moorage.secret_encryption import create_seal_key
    from moorage.tokens.registry_tokens import create_key

    for folder, suffix, kind, create in (
        (settings.token_key_folder, ".pem", "signing", create_key),
        (settings.seal_key_folder, ".key", "sealing", create_seal_key),
    ):
        if not list(folder.glob(f"*{suffix}")):
            try:
                create(folder)
            except OSError as error:
                raise Stop(f"The {kind} key cannot be made in {folder}: {error.strerror}.", UNFIT) from error


def check_keys(settings: Settings) -> "Seals":
    """See that signing and sealing keys are there, ours, and nobody else's to read.

    Raises:
        Stop: they are not; the message names the file and the mend.
    """
    from moorage.secret_encryption import Seals
    from moorage.tokens.registry_tokens import TokenKeys

    try:
        TokenKeys(settings.token_key_folder)
        return Seals(settings.seal_key_folder)
    except KeysInvalid as error:
        text = str(error)
        raise Stop(f"{text[0].upper()}{text[1:]}", UNFIT) from error


def check_seals(settings: Settings, seals: "Seals") -> bool:
    """See that every key which this database's secrets may be sealed with is there.

    Returns:
        whether the database knows the key that seals now; otherwise `note_seal_key` has to tell it.

    Raises:
        Stop: a key is missing, or another lies in its place.
    """
    known = {str(row[0]) for row in _ask(settings, "SELECT id FROM seal_key")}
    missing = sorted(known - seals.key_ids)
    if missing:
        raise Stop(
            f"The sealing key {missing[0]} of this database is not in {settings.seal_key_folder}: "
            "restore it from the backup.",
            UNFIT,
        )
    return seals.key_id in known


# -- the first rows ---------------------------------------------------------------------------------------


def make_password() -> str:
    """A password that nobody guesses: 24 letters and digits, at least one of each kind, none of them look-alikes."""
    letters = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))
    while True:
        password = "".join(secrets.choice(letters) for _ in range(PASSWORD_LENGTH))
        if any(map(str.isdigit, password)) and any(map(str.islower, password)) and any(map(str.isupper, password)):
            return password


def check_overwrite(settings: Settings) -> None:
    """See that `config_overwrite` names live settings and values that they can have.

    Raises:
        Stop: it does not; the message names the setting.
    """
    from moorage.configuration.validation import require_known
    from moorage.errors import ItemInvalid

    try:
        require_known(settings.overwrite)
    except ItemInvalid as problem:
        raise Stop(f"Setting `config_overwrite`: {problem}", UNFIT) from problem


def _fill(settings: Settings, seals: "Seals") -> None:
    """Make the administrator (user 1), the public project `library` (project 1) and a schedule in an empty store.

    A password that we made is in its file before the rows are committed: a crash in between loses nothing, and the
    next start writes both anew.
    """
    password = settings.admin_password.reveal()
    if not password:
        password = make_password()
        write_key(settings.data_folder / ADMIN_PASSWORD, f"{password}\n".encode())
    from moorage.configuration.service import fix_items
    from moorage.db.encrypted_columns import ensure_seal_key
    from moorage.gc.service import schedule_daily
    from moorage.jobs.history_cleanup import ensure_upkeep
    from moorage.projects.service import ensure_library
    from moorage.users.passwords import hash_password
    from moorage.users.service import ensure_admin

    def fill(work: "Work", password_hash: str) -> None:
        ensure_seal_key(work, seals.key_id)
        fix_items(work, seals, settings.overwrite)  # before the library, whose quota may come from there
        if ensure_admin(work, password_hash):  # a schedule that somebody removes later does not come back
            schedule_daily(work)
        ensure_library(work)
        ensure_upkeep(work)

    _write(settings, fill, hash_password(password))


def _note_seal_key(settings: Settings, key_id: str) -> None:
    """Tell the database of a sealing key before the first secret is sealed with it."""
    from moorage.db.encrypted_columns import ensure_seal_key

    _write(settings, ensure_seal_key, key_id)


def _write(settings: Settings, story: Callable[["Work", str], None], argument: str) -> None:
    from moorage.events import SYSTEM
    from moorage.wiring import open_database

    try:
        database = open_database(settings)
        database.run_here(SYSTEM, story, argument)
        database.engine.dispose()
    except Problem as problem:
        raise Stop(str(problem), UNREACHABLE) from problem
