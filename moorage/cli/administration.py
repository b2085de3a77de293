"""Database access and password input that the administration commands share."""

import argparse
import getpass
import os
import pwd
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from moorage.cli.arguments import read_settings
from moorage.cli.exit_status import FAILED, UNFIT, UNREACHABLE, USAGE, Stop
from moorage.cli.prepare import look, make_password
from moorage.db.migrate import HEAD, MigrationRefused, is_current
from moorage.errors import Problem, Unavailable
from moorage.events import Actor
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.db.engine import Database
    from moorage.db.unit_of_work import Work

P = ParamSpec("P")
T = TypeVar("T")

PAGE = 500


class Store:
    """An open store.

    Attributes:
        settings: those that name it.
        database: for what is more than one unit of work.
    """

    def __init__(self, settings: Settings, database: "Database") -> None:
        self.settings = settings
        self.database = database
        self._actor = Actor(name=_account(), credential="cli")

    def run(self, story: "Callable[Concatenate[Work, P], T]", /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one unit of work.

        Raises:
            Stop: it could not be done; the message is the problem's.
        """
        try:
            return self.database.run_here(self._actor, story, *args, **kwargs)
        except Unavailable as problem:
            raise Stop(str(problem), UNREACHABLE) from problem
        except Problem as problem:
            facts = ", ".join(f"{key} {value}" for key, value in problem.detail.items())
            text = str(problem)
            raise Stop(f"{text.removesuffix('.')} ({facts})." if facts else text, FAILED) from problem


@contextmanager
def open_store(arguments: argparse.Namespace) -> Iterator[Store]:
    """The store that the settings name, which a server may be using at the same time.

    Raises:
        Stop: there is none, or its tables are of another version.
    """
    settings = read_settings(arguments).settings
    try:
        revision, is_empty = look(settings)
        if not is_current(revision) and revision is not None:
            raise Stop(f"The tables have revision {revision}, this version needs {HEAD}: run `moorage migrate`.", UNFIT)
    except MigrationRefused as refused:
        raise Stop(str(refused), UNFIT) from refused
    if is_empty:
        place = settings.sqlite_file or "the database"
        raise Stop(f"There is no store in {place} yet: `moorage serve` makes one at its first start.", UNFIT)
    from moorage.wiring import open_database

    database = open_database(settings)
    try:
        yield Store(settings, database)
    finally:
        database.engine.dispose()


def read_password(arguments: argparse.Namespace) -> tuple[str, bool]:
    """A new password, and whether it was made here: from standard input, a prompt, or made.

    Raises:
        Stop: none was given, or it breaks the rule.
    """
    from moorage.errors import PasswordInvalid
    from moorage.users.passwords import require_good_password

    if arguments.password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise Stop("--password-stdin: standard input holds no password.", USAGE)
    elif sys.stdin.isatty():
        password = getpass.getpass("New password (empty: one is made): ")
        if password and getpass.getpass("Again: ") != password:
            raise Stop("The two passwords differ.", FAILED)
        if not password:
            return make_password(), True
    else:
        return make_password(), True
    try:
        require_good_password(password)
    except PasswordInvalid as problem:
        raise Stop(str(problem), FAILED) from problem
    return password, False


def add_password(command: argparse.ArgumentParser) -> None:
    """`--password-stdin`. A password is never an argument: others could read it in the list of processes."""
    command.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from the first line of standard input; otherwise a prompt asks for it, "
        "and where there is no terminal one is made and printed",
    )


def print_table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """A table for people, in columns."""
    texts = [head, *[tuple("" if value is None else str(value) for value in row) for row in rows]]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
