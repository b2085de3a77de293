"""A Moorage of a test's own: the real server as a process, on a free port, stopped and checked at the end.

    with serving.serve(tmp_path / "data", settings={"registry_auth": "basic"}) as moorage:
        moorage.create_project("team")
        alice = moorage.create_user("alice")
        moorage.add_member("team", alice, "maintainer")
        httpx.get(moorage.url + "/readyz")
        moorage.restart()

The log of the server is a result too: a traceback in it fails the test that made it.
"""

import base64
import contextlib
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.parts.base import Broken, Server, free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent

STOP_SECONDS = 60.0
"""How long the end of a server is waited for. The product promises 10 s: tests/flows/test_start.py asks for them."""

TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in."""

    username: str
    password: str


class Registry(Protocol):
    """What client tests need of a registry: where it is, who may sign in, and that accounts can be made.

    Attributes:
        admin: may see and do everything.
    """

    admin: Account

    @property
    def host(self) -> str:
        """`127.0.0.1:PORT`."""
        ...

    def create_project(self, name: str, *, public: bool = False) -> None:
        """Make a project."""
        ...

    def create_user(self, username: str) -> Account:
        """Make a user with a password of its own."""
        ...

    def add_member(self, project: str, account: Account, role: str) -> None:
        """Make an account a member: `admin`, `maintainer`, `developer`, `guest` or `limited-guest`."""
        ...

    def check_log(self) -> None:
        """Fail when the server logged a traceback since the last check."""
        ...


class Moorage:
    """`python -m moorage serve` with a data folder; may be stopped, killed and started again on it.

    Attributes:
        data: the data folder.
        port: on 127.0.0.1; the same after a restart.
        admin: the first account.
        log: what the server printed, over all its starts.
    """

    def __init__(
        self,
        data: Path,
        *,
        settings: Mapping[str, object] | None = None,
        database_url: str = "",
        workers: int | None = None,
    ) -> None:
        """Prepare a server; `start` starts it.

        Args:
            data: the data folder; made by the server.
            settings: by their names in `moorage.toml`, with dots: `{"registry_auth": "basic", "storage.kind": "s3"}`.
            database_url: of a PostgreSQL database; SQLite in the data folder otherwise.
            workers: how many processes answer; the product's default otherwise.
        """
        self.data = data
        self.port = free_port()
        self.admin = Account("admin", "Adm1n-" + secrets.token_urlsafe(9))
        self.log = data.with_name(data.name + ".log")
        self._settings = dict(settings or {})
        if database_url:
            self._settings["database.url"] = database_url
            self._settings.setdefault("database.migrate", "auto")
        if workers is not None:
            self._settings["workers"] = workers
        self._checked = 0
        self._server: Server | None = None

    @property
    def host(self) -> str:
        """`127.0.0.1:PORT`, as clients write it in front of a repository."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://{self.host}"

    @property
    def pid(self) -> int:
        """The process id of the server; its workers are in the same process group.

        Raises:
            Broken: it is not started.
        """
        if self._server is None:
            raise Broken("the server is not started")
        return self._server.pid

    def start(self, *, fault: str = "", seconds: float = 90) -> None:
        """Start it and wait until /readyz says 200.

        Args:
            fault: arms one point of `moorage.failpoints`: `commit.stored:kill`.
            seconds: how long the start may take.

        Raises:
            Broken: it did not become ready; the message has the end of its log.
        """
        environment = self._environment()
        if fault:
            environment["MOORAGE_FAULT"] = fault
        words = ["serve", "--data", str(self.data), "--listen", self.host]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._server = Server([*_only(environment), *_MOORAGE, *words], self.log, environment=environment)
        self._server.wait(self.is_ready, what="moorage", seconds=seconds)

    def is_ready(self) -> bool:
        """Whether /readyz says 200 now."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def is_alive(self) -> bool:
        """Whether a process of the server is left; its workers count."""
        if self._server is None:
            return False
        self._server.is_alive()  # takes the status of a process that ended
        return any(group == self.pid for group in _list_groups())

    def stop(self) -> None:
        """Stop it with SIGTERM. It has to end by itself, leave no process behind, and have logged no traceback.

        Raises:
            Broken: it did not.
        """
        if self._server is None:
            return
        os.kill(self.pid, signal.SIGTERM)
        try:
            wait_until(lambda: not self.is_alive(), what="the end of moorage after SIGTERM", seconds=STOP_SECONDS)
        except Broken as exc:
            tail = self._server.tail()
            self.kill()
            raise Broken(f"{exc}\n{tail}") from exc
        self._server.stop()
        self._server = None
        self.check_log()

    def kill(self) -> None:
        """SIGKILL to all its processes: nothing is flushed, nobody is told."""
        if self._server is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        wait_until(lambda: not self.is_alive(), what="the end of moorage after SIGKILL")
        self._server.stop()
        self._server = None

    def restart(self, *, fault: str = "") -> None:
        """Stop it in order and start it again on the same data and port."""
        self.stop()
        self.start(fault=fault)

    def wait_for_end(self, seconds: float = 30) -> None:
        """Wait until a fault has ended it, then clear away what is left of it.

        Raises:
            Broken: it still answers.
        """
        wait_until(lambda: not self.is_ready(), what="a fault that ends moorage", seconds=seconds)
        self.kill()

    def run(self, *words: str, given: str | None = None, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a `moorage` command on the same data and settings.

        Args:
            words: the command: `"project", "create", "team"`.
            given: its standard input.
            check: whether another exit status than 0 is an error.

        Raises:
            Broken: it ended with another status.
        """
        environment = self._environment()
        done = subprocess.run(
            [*_only(environment), *_MOORAGE, *words, "--data", str(self.data)],
            env={**os.environ, **environment},
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode:
            raise Broken(f"moorage {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def create_project(self, name: str, *, public: bool = False) -> None:
        """Make a project."""
        body = {"project_name": name, "metadata": {"public": json.dumps(public)}}
        if not self._makes("/projects", body):
            self.run("project", "create", name, *(["--public"] if public else []))

    def create_user(self, username: str) -> Account:
        """Make a user with a password of its own."""
        account = Account(username, "Us3r-" + secrets.token_urlsafe(9))
        email = f"{username}@people.test"
        body = {"username": username, "password": account.password, "email": email, "realname": username}
        if not self._makes("/users", body):
            self.run("user", "create", username, "--password-stdin", given=account.password + "\n")
        return account

    def add_member(self, project: str, account: Account, role: str) -> None:
        """Make an account a member: `admin`, `maintainer`, `developer`, `guest` or `limited-guest`."""
        body = {"role_id": _ROLES[role], "member_user": {"username": account.username}}
        if not self._makes(f"/projects/{project}/members", body):
            self.run("member", "set", project, account.username, "--role", role)

    def _makes(self, path: str, body: object) -> bool:
        """Have the server make something; False: it does not run, or there is a reason to ask the command instead.

        A command takes most of a second, and there are tests of its own.
        """
        if self._server is None:
            return False
        login = base64.b64encode(f"{self.admin.username}:{self.admin.password}".encode()).decode()
        headers = {"authorization": f"Basic {login}", "content-type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            try:
                connection.request("POST", f"/api/v2.0{path}", json.dumps(body), headers)
                return connection.getresponse().status == http.HTTPStatus.CREATED
            except (OSError, http.client.HTTPException):  # it listens with TLS, or not at all
                return False

    def log_text(self) -> str:
        """All it printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def check_log(self) -> None:
        """Fail when the server logged a traceback since the last check.

        Raises:
            Broken: it did; the message has the lines.
        """
        text = self.log_text()
        new, self._checked = text[self._checked :], len(text)
        if TRACEBACK in new:
            at = new.index(TRACEBACK)
            raise Broken("the server logged a traceback:\n" + new[max(0, at - 500) : at + 4000].replace("\\n", "\n"))

    def _environment(self) -> dict[str, str]:
        """The settings as environment variables, beside what any Python program needs."""
        named = {_variable(name): _text(value) for name, value in self._settings.items()}
        return {**named, "MOORAGE_ADMIN_PASSWORD": self.admin.password, "PYTHONPATH": str(ROOT)}


_ROLES = {"admin": 1, "developer": 2, "guest": 3, "maintainer": 4, "limited-guest": 5}
_MOORAGE = (sys.executable, "-m", "moorage")


@contextlib.contextmanager
def serve(
    data: Path,
    *,
    settings: Mapping[str, object] | None = None,
    database_url: str = "",
    workers: int | None = None,
    fault: str = "",
    kind: Callable[..., Moorage] = Moorage,
) -> Iterator[Moorage]:
    """A started server, stopped and checked at the end; the arguments are those of `Moorage` and its `start`.

    `kind` makes it, for tests that have a Moorage of their own kind.

    When the test itself failed the server is killed instead, so that its end hides nothing.
    """
    moorage = kind(data, settings=settings, database_url=database_url, workers=workers)
    try:
        moorage.start(fault=fault)
        yield moorage
    except BaseException:
        moorage.kill()
        raise
    moorage.stop()


def _variable(name: str) -> str:
    """`database.url` as `MOORAGE_DATABASE__URL`."""
    return "MOORAGE_" + re.sub(r"\.", "__", name).upper()


def _text(value: object) -> str:
    """A setting's value as the environment holds it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _only(environment: Mapping[str, str]) -> list[str]:
    """A command's beginning that takes away the settings of the shell that started the tests, but for `environment`."""
    foreign = [name for name in os.environ if name.startswith("MOORAGE_") and name not in environment]
    return ["env", *(word for name in foreign for word in ("-u", name))]


def _list_groups() -> Iterator[int]:
    """The process group of every process that runs; those that only wait to be noticed by their parent are over."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended while we looked
            state, _, group = status.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if state not in "ZX":
                yield int(group)
