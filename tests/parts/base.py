"""What a part is: a real program that tests talk to.

A new part is one module `tests/parts/NAME.py` with a subclass of `Part` and, as its last line, `PART = ThatClass`.
A tool without a server (skopeo, crane) only needs `find`.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

STOP_SECONDS = 30.0
"""How long a server has to end by itself after its stop signal, before it is killed."""


class Missing(Exception):
    """A part cannot be used on this machine; the message says why, and the command that mends it."""


class Broken(Exception):
    """A part is here but did not start: always a failure, never a reason to leave a test out."""


class Part:
    """One real program. There is at most one object per part and test process, made by the fixture `parts`.

    Attributes:
        name: the name used in the mark; the module is called the same.
        supply: where it comes from: `apt`, `go`, `pypi`, `npm`. CI_WITHOUT=go excuses all parts supplied by Go.
        folder: a folder of its own, made before `start`, removed after `stop`; for logs, sockets and data.
    """

    name: ClassVar[str]
    supply: ClassVar[str] = "apt"
    folder: Path

    def find(self) -> str:
        """The version that is installed here. Quick, and starts no server.

        Raises:
            Missing: it is not here, or cannot work here.
        """
        raise NotImplementedError

    def start(self) -> None:
        """Start it and wait until it answers; a tool has nothing to start.

        Raises:
            Broken: it did not answer in time; the message has the end of its log.
        """

    def stop(self) -> None:
        """Stop what `start` started, by its pid. Called once, also after a failed start."""


def run(
    *command: str | Path, seconds: float = 120, check: bool = True, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, with its output as text; `options` are those of subprocess.run.

    Raises:
        Broken: it ended with another status than 0 (unless `check` is False), or not within `seconds`.
    """
    arguments = [str(word) for word in command]
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            arguments, capture_output=True, text=True, timeout=seconds, check=False, **options
        )
    except subprocess.TimeoutExpired as exc:
        raise Broken(f"{arguments[0]} did not end within {seconds:g} s: {' '.join(arguments)}") from exc
    if check and done.returncode:
        output = (done.stdout + done.stderr).strip()[-2000:]
        raise Broken(f"{' '.join(arguments)} ended with {done.returncode}:\n{output}")
    return done


def find_program(name: str, *folders: str | Path, mend: str) -> Path:
    """The path of a program: in `folders` first, then on PATH.

    Args:
        name: the program's name.
        folders: more places to look.
        mend: the command that installs it, for the message.

    Raises:
        Missing: it is in none of them.
    """
    search = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    found = shutil.which(name, path=search)
    if found is None:
        raise Missing(f"{name} is not installed ({mend})")
    return Path(found)


_FIRST_PORT, _LAST_PORT = 15_000, 32_000
"""Below the ports that the kernel gives to outgoing connections: one of those could take ours before its user does."""

_given: set[int] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now; this process gets it only once.

    Raises:
        Broken: there is none.
    """
    for _ in range(1000):
        port = random.SystemRandom().randint(_FIRST_PORT, _LAST_PORT)
        if port in _given:
            continue
        with closing(socket.socket()) as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise Broken("no TCP port is free")


def wait_until(
    ready: Callable[[], bool], *, what: str, seconds: float = 60, alive: Callable[[], bool] | None = None
) -> None:
    """Ask `ready` every 50 ms until it says yes.

    Args:
        ready: True once the thing can be used.
        what: what we wait for, for the message.
        seconds: when to give up.
        alive: False once waiting makes no sense any more, because the process is gone.

    Raises:
        Broken: not ready in time, or gone.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if ready():
            return
        if alive is not None and not alive():
            raise Broken(f"{what}: the process ended before it was ready")
        time.sleep(0.05)
    raise Broken(f"{what}: not ready after {seconds:g} s")


def answers(port: int) -> bool:
    """Whether something accepts connections on this port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Server:
    """A server process that ends with the tests, whatever happens to them.

    The kernel stops it when the test process dies (`setpriv --pdeathsig`, part of util-linux), so a killed run
    leaves nothing behind. Its output goes to `log`.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_with: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Start the process.

        Args:
            command: program and arguments.
            log: where its output goes.
            environment: variables beside those of this process.
            user: run as this account; only root can.
            stop_with: the signal that asks it to end in order.
        """
        self.log = log
        self._stop_with = stop_with
        arguments = [str(word) for word in command]
        keeper = shutil.which("setpriv")
        if keeper is not None:
            arguments = [keeper, "--pdeathsig", signal.Signals(stop_with).name.removeprefix("SIG"), *arguments]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=[] if user else None,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def wait(self, ready: Callable[[], bool], *, what: str, seconds: float = 60) -> None:
        """Wait until it is ready.

        Raises:
            Broken: not in time; the message has the end of the log.
        """
        try:
            wait_until(ready, what=what, seconds=seconds, alive=self.is_alive)
        except Broken as exc:
            raise Broken(f"{exc}\n{self.tail()}") from exc

    def freeze(self) -> None:
        """Let it hang: its ports take connections, and nothing comes back."""
        os.kill(self.pid, signal.SIGSTOP)
        state = Path(f"/proc/{self.pid}/stat")
        wait_until(
            lambda: state.read_text().rpartition(")")[2].split()[0] == "T", what="a process that stands", seconds=30
        )

    def go_on(self) -> None:
        """Let it work again after `freeze`."""
        if self.is_alive():
            os.kill(self.pid, signal.SIGCONT)

    def tail(self) -> str:
        """The end of its log, at most 2,000 characters."""
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask it to end, wait for `seconds`, then kill it. Safe to repeat."""
        if self.is_alive():
            self._process.send_signal(self._stop_with)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()


def make_folder(name: str) -> Path:
    """A new folder in the system's place for temporary files: short enough for sockets, reachable by other accounts."""
    folder = Path(tempfile.mkdtemp(prefix=f"moorage-{name}-"))
    folder.chmod(0o755)
    return folder
