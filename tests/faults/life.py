"""Lives of a server, or of a worker: started in a moment, armed to die at a point, killed at any time.

`moorage serve` takes more than a second to start, most of it imports, and these tests start some hundred servers. So
one process imports everything once and forks a server for each life: granian in front of `create_app`, the same
application behind the same HTTP server, without granian's parent that would start a dead worker again. What that
parent does is tested apart, with `tests/serving.py`. A worker is what `moorage work` is.
"""

import asyncio
import ctypes
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.place import Place
from tests.parts.base import Broken, free_port

ROOT = Path(__file__).resolve().parents[2]


class Nursery:
    """The process that forks servers. One for all tests."""

    def __init__(self, log: Path) -> None:
        self.log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.life"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    def ask(self, **order: object) -> Any:
        """Send an order; its answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Broken("the nursery ended:\n" + self.log.read_text()[-2000:])
        return json.loads(line)

    def stop(self) -> None:
        """End it, and with it whatever server is left."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


class Life:
    """One server process, from its start to its end; or with `works` a worker.

    Attributes:
        url: where a server answers.
        pid: its process id.
        fault: what it was armed with.
    """

    def __init__(self, nursery: Nursery, place: Place, *, fault: str = "", works: bool = False) -> None:
        """Start it, and wait until it listens; a worker begins at once.

        Raises:
            Broken: it did not.
        """
        self._nursery = nursery
        self.fault = fault
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.pid: int = nursery.ask(
            do="start", data=str(place.data), database=place.database, port=port, fault=fault, works=works
        )["pid"]
        if self.pid < 0:
            raise Broken("it did not start:\n" + nursery.log.read_text()[-2000:])

    def kill(self) -> None:
        """SIGKILL, now."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """SIGTERM; it ends in order.

        Raises:
            Broken: it did not.
        """
        os.kill(self.pid, signal.SIGTERM)
        status = self.wait()
        if status not in {0, -signal.SIGTERM}:
            raise Broken(f"it ended with {status}:\n" + self._nursery.log.read_text()[-2000:])

    def wait(self, seconds: float = 60) -> int:
        """Wait for its end: its exit status, or the negative number of the signal that ended it.

        Raises:
            Broken: it still runs.
        """
        status = self._nursery.ask(do="wait", pid=self.pid, seconds=seconds)["status"]
        if status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._nursery.ask(do="wait", pid=self.pid, seconds=10)
            raise Broken("it did not end")
        return int(status)


SHARED = (
    "granian.server.embed", "uvloop", "moorage.api.app", "moorage.api.routes", "moorage.app", "moorage.worker_app",
    "moorage.cli.work", "moorage.jobs.worker",
)  # fmt: skip
"""What forks need, imported once; not by whoever only starts the nursery."""


# -- in the nursery ---------------------------------------------------------------------------------------


def _main() -> None:
    for name in SHARED:
        importlib.import_module(name)
    # What few of these servers are asked for is made when it is: most are dead by then.
    sys.modules["moorage.app"].__dict__["_API_AFTER_SECONDS"] = 3600.0
    gc.collect()
    gc.freeze()  # so that a collection in a fork copies no page
    for line in sys.stdin:
        order = json.loads(line)
        answer = {"pid": _start(order)} if order["do"] == "start" else {"status": _wait(order)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _start(order: Mapping[str, Any]) -> int:
    """Fork a server; its pid once it is up, or -1."""
    ready, told = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(told)
        with os.fdopen(ready, "rb") as pipe:
            if pipe.read(1):
                return pid
        os.waitpid(pid, 0)
        return -1
    status = 1
    try:
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        os.close(ready)
        os.dup2(2, 1)  # the pipe to the tests is not for the server
        if os.getppid() == parent:
            if order["works"]:
                _work(order, told)
            else:
                asyncio.run(_serve(order, told))
            status = 0
    finally:
        os._exit(status)


async def _serve(order: Mapping[str, Any], told: int) -> None:
    from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415 - as above
    from granian.http import HTTP1Settings  # noqa: PLC0415 - as above
    from granian.server.embed import Server  # noqa: PLC0415 - as above

    from moorage import failpoints  # noqa: PLC0415 - as above
    from moorage.app import create_app  # noqa: PLC0415 - as above

    if order["fault"]:
        failpoints.arm(order["fault"])
    application = create_app(Place(Path(order["data"]), order["database"]).settings)

    async def announce(scope: Any, receive: Any, send: Any) -> None:
        async def tell(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                asyncio.get_running_loop().call_later(0.02, os.write, told, b".")

        await application(scope, receive, tell if scope["type"] == "lifespan" else send)

    server = Server(
        announce, address="127.0.0.1", port=order["port"], interface=Interfaces.ASGI, http=HTTPModes.http1,
        websockets=False, http1_settings=HTTP1Settings(header_read_timeout=30_000), log_enabled=False,
    )  # fmt: skip
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


def _work(order: Mapping[str, Any], told: int) -> None:
    from moorage import failpoints  # noqa: PLC0415 - as above
    from moorage.cli.work import work  # noqa: PLC0415 - as above

    if order["fault"]:
        failpoints.arm(order["fault"])
    os.write(told, b".")
    work(Place(Path(order["data"]), order["database"]).settings, slots=4)


def _wait(order: Mapping[str, Any]) -> int | None:
    """The status of a server that ended, negative for a signal; None when it did not end in time."""
    until = time.monotonic() + order["seconds"]
    while time.monotonic() < until:
        pid, status = os.waitpid(order["pid"], os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


if __name__ == "__main__":
    _main()
