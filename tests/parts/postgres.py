"""PostgreSQL on a free port of 127.0.0.1, with a fresh database for each test that asks."""

import os
import pwd
import re
import secrets
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.parts.base import Missing, Part, Server, find_program, free_port, run

ADMIN = "moorage"
"""The superuser of this throw-away cluster; it needs no password, and only 127.0.0.1 can connect."""


class Postgres(Part):
    """One cluster per test process, empty at the start. Nothing in it is meant to survive, so fsync is off."""

    name = "postgres"
    given: ClassVar[str | None] = None
    """The SQLAlchemy URL of a server that somebody else runs (`--postgres`); its account may create databases."""

    def __init__(self) -> None:
        self._server: Server | None = None
        self._templates: dict[str, str] = {}
        self._copied: sql.SQL | None = None
        self._base = make_url(f"postgresql+psycopg://{ADMIN}@127.0.0.1/postgres")

    def find(self) -> str:
        """The newest version below /usr/lib/postgresql, as Debian lays it, or the one on PATH."""
        if self.given:
            return "given by --postgres"
        found = run(self._program("postgres"), "--version").stdout
        version = re.search(r"\d+(\.\d+)*", found)
        if os.geteuid() == 0:
            try:
                pwd.getpwnam("postgres")
            except KeyError as exc:
                raise Missing("PostgreSQL refuses to run as root, and there is no account `postgres`") from exc
        return version[0] if version else found.strip()

    def start(self) -> None:
        """Make a cluster and start it: 0.7 s."""
        if self.given:
            self._base = make_url(self.given).set(drivername="postgresql+psycopg")
            return
        account = "postgres" if os.geteuid() == 0 else None
        identity: dict[str, Any] = {"user": account, "group": account, "extra_groups": []} if account else {}
        data = self.folder / "data"
        if account:
            shutil.chown(self.folder, account)
        run(
            self._program("initdb"), "-D", data, "-U", ADMIN, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--no-sync",
            **identity,
        )  # fmt: skip
        port = free_port()
        self._base = self._base.set(port=port)
        options = {
            "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(self.folder),
            "fsync": "off", "full_page_writes": "off", "max_connections": "200", "timezone": "UTC",
        }  # fmt: skip
        words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        self._server = Server(
            [self._program("postgres"), "-D", data, *words],
            self.folder / "postgres.log",
            user=account,
            stop_with=signal.SIGINT,  # "fast": end sessions, then stop; SIGTERM would wait for them
        )
        self._server.wait(self._accepts, what="PostgreSQL")

    def stop(self) -> None:
        """Stop the cluster; its sessions are ended."""
        if self._server is not None:
            self._server.stop()

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one database."""
        return self._base.set(database=database).render_as_string(hide_password=False)

    def create(self, prepare: Callable[[str], None] | None = None) -> str:
        """Make a database of its own and return its name.

        Args:
            prepare: fills a database, given its URL, for example by running the migrations. It is called once
                for all databases made with the same function; the others are copies, which takes about 50 ms.
        """
        name = f"t_{secrets.token_hex(8)}"
        words = sql.SQL("CREATE DATABASE {} TEMPLATE {} {}")
        self._run(words.format(sql.Identifier(name), self._template(prepare), self._how()))
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _template(self, prepare: Callable[[str], None] | None) -> sql.Identifier:
        if prepare is None:
            return sql.Identifier("template0")
        key = f"{prepare.__module__}.{prepare.__qualname__}"
        if key not in self._templates:
            name = f"template_{len(self._templates)}"
            self._run(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            prepare(self.url(name))
            self._templates[key] = name
        return sql.Identifier(self._templates[key])

    def _how(self) -> sql.SQL:
        """How a database is copied: file by file takes half the time, where the server knows other ways, too."""
        if self._copied is None:
            with self._connect() as db:
                self._copied = sql.SQL("STRATEGY FILE_COPY" if db.info.server_version >= 15_00_00 else "")
        return self._copied

    def _run(self, statement: sql.Composed) -> None:
        with self._connect() as db:
            db.execute(statement)

    def _connect(self) -> "psycopg.Connection[Any]":
        target = self._base.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(target, autocommit=True)

    def _accepts(self) -> bool:
        try:
            self._run(sql.SQL("SELECT {}").format(1))
        except psycopg.OperationalError:
            return False
        return True

    def _program(self, name: str) -> Path:
        versions = sorted(
            Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True
        )
        return find_program(name, *versions, mend="apt-get install postgresql")


PART = Postgres
