"""`moorage serve`: look at everything first, prepare what is missing, then hand over to granian.

The parent process only watches its workers, so it imports neither SQLAlchemy nor Alembic: what needs them (the look
at the database, migrations, the first administrator) runs in a process of its own that ends. Workers are forked from
the parent and get the settings through memory: no secret is ever in an argument, in the environment or in a file of
ours (docs/develop/processes.md).
"""

import argparse
import contextlib
import gc
import json
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from moorage import __version__
from moorage.cli.arguments import Commands, add_command, read_settings
from moorage.cli.data_folder import lock_folder, open_folder, require_writable
from moorage.cli.exit_status import DONE, FAILED
from moorage.cli.listen_address import Place, check_certificate, reserve
from moorage.cli.prepare import ADMIN_PASSWORD, Prepared, prepare_in_child
from moorage.cli.settings_loader import forget_secrets
from moorage.cli.worker_supervisor import Beside, die_with
from moorage.errors import Problem
from moorage.logs import make_config
from moorage.settings import Secret, Settings
from moorage.web.request import App, Receive, Scope, Send

log = logging.getLogger("moorage")

STOP_SECONDS = 7
"""How long workers may finish open requests after SIGTERM or SIGINT; 10 s is what we promise."""

BACKLOG = 2048
OPEN_CONNECTIONS = 8192
"""Per worker; granian counts idle ones too, so slow clients must not use them up."""

OPEN_FILES = 65_536


EXAMPLES = """
moorage serve
moorage serve --data /srv/moorage --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem
MOORAGE_DATABASE__URL=postgresql://moorage@db/moorage moorage serve --workers 4
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    command = add_command(commands, "serve", run, does="serve registry, API and page until stopped", examples=EXAMPLES)
    command.add_argument("--listen", metavar="HOST:PORT", help="where to listen (default: 127.0.0.1:8080); port 0: any")
    command.add_argument("--workers", metavar="N", help="processes (default: 1 on SQLite, else one per core up to 4)")
    command.add_argument("--no-jobs", action="store_true", help="leave background jobs to `moorage work`")
    command.add_argument("--tls-cert", metavar="FILE", help="a certificate chain in PEM: serve HTTPS only")
    command.add_argument("--tls-key", metavar="FILE", help="its key in PEM")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT.

    Raises:
        Stop: something that the server needs is not fit; nothing was started.
    """
    os.umask(0o077)
    settings = read_settings(arguments).settings
    open_folder(settings.data_folder)
    lock = lock_folder(settings.data_folder)
    if settings.storage.kind == "filesystem":
        settings.storage_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_writable(settings.storage_folder, "storage folder")
    if settings.tls_cert:
        check_certificate(settings.tls_cert, settings.tls_key)
    place = reserve(settings)
    prepared = prepare_in_child(settings, _load_granian)
    for note in [*_warn(settings, place), *prepared.notes]:
        print(f"moorage: {note}", file=sys.stderr)
    forget_secrets()
    settings = msgspec.structs.replace(settings, admin_password=Secret())
    gc.freeze()  # what other processes share with us stays shared

    def leave() -> None:  # a worker that is slow to end keeps neither the port nor the folder from the next server
        place.keeper.close()
        os.close(lock)

    beside = Beside(settings, leave) if settings.jobs.beside and not arguments.no_jobs else None
    try:
        return _serve(settings, place, prepared, beside)
    finally:
        if beside is not None:
            beside.wait(STOP_SECONDS)
        leave()


def _serve(settings: Settings, place: Place, prepared: Prepared, beside: Beside | None) -> int:
    """Start granian and stay until it ends."""
    from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes, SSLProtocols
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server.mp import MPServer

    class Parent(MPServer):
        """Tells background jobs to end when it begins to, so that both take their time at once."""

        def shutdown(self, exit_code: int = 0) -> None:
            if beside is not None:
                beside.end()
            super().shutdown(exit_code)  # type: ignore[no-untyped-call]

    _raise_file_limit()
    ready_out, ready_in = os.pipe()
    server = Parent(
        "moorage.app:create_app",
        address=place.host,
        port=place.port,
        interface=Interfaces.ASGI,
        workers=settings.worker_count,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        runtime_mode=RuntimeModes.st,  # the other one mixes up pieces of a body that are asked for at the same time
        websockets=False,
        backlog=BACKLOG,
        backpressure=OPEN_CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=30_000),
        log_dictconfig=make_config(settings.log),
        log_level=LogLevels.warning,
        ssl_cert=Path(settings.tls_cert) if settings.tls_cert else None,
        ssl_key=Path(settings.tls_key) if settings.tls_key else None,
        ssl_protocol_min=SSLProtocols.tls12,
        respawn_failed_workers=False,  # until one was up: what fails at once fails again
        workers_kill_timeout=STOP_SECONDS,
    )

    def on_ready() -> None:
        server.respawn_failed_workers = True
        place.await_connections()
        _print_banner(settings, place, prepared)

    threading.Thread(target=_await_ready, args=(ready_out, on_ready), daemon=True, name="banner").start()
    if beside is not None:
        beside.watch()
    gc.freeze()  # as above
    try:
        server.serve(target_loader=partial(load_worker, settings, os.getpid(), ready_in), wrap_loader=False)
    except SystemExit as end:
        # granian counts a worker that a stop signal reached before its own as a failed one
        return DONE if server.interrupt_signal or not end.code else FAILED
    return DONE


def _load_granian() -> None:
    """Import what `_serve` needs, while another process prepares the store."""
    import granian.server.mp  # noqa: F401 - for its being there


def load_worker(settings: Settings, parent: int, ready: int) -> App:
    """The application, in a fresh worker. Called by granian."""
    die_with(parent)
    gc.disable()  # until the server is up: what is imported stays, and looking through it again and again takes time
    sys.setswitchinterval(0.001)  # a hashing thread must not keep the loop from the interpreter for 5 ms
    try:
        from moorage import failpoints
        from moorage.app import create_app

        if settings.fault:
            failpoints.arm(settings.fault)
        application: App = create_app(settings)
    except Exception:
        log.exception("the application could not be built")
        raise SystemExit(1) from None
    return partial(_worker, application, ready)


async def _worker(application: App, ready: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass everything through; around the lifespan, tell the parent that this worker is up."""
    if scope["type"] != "lifespan":
        await application(scope, receive, send)
        return

    is_up = False

    async def tell(message: Scope) -> None:
        nonlocal is_up
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            is_up = True
            gc.freeze()  # what is alive now lives as long as the process: the collector need not look at it again
            gc.enable()
            # Ctrl-C reaches the whole process group; the parent alone decides, and sends SIGTERM
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            with contextlib.suppress(OSError):
                os.write(ready, b".")

    try:
        await application(scope, receive, tell)
    except Problem as problem:
        log.error("the server cannot start: %s", problem)  # noqa: TRY400 - the sentence is for the operator
        if is_up:
            raise
        await send({"type": "lifespan.startup.failed", "message": ""})
    except Exception:
        log.exception("the application failed %s", "at its end" if is_up else "to start")
        if is_up:
            raise
        # granian would take an exception for an application without a lifespan, and serve errors
        await send({"type": "lifespan.startup.failed", "message": ""})


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _warn(settings: Settings, place: Place) -> list[str]:
    notes = []
    if os.geteuid() == 0:
        notes.append("warning: this runs as root; give the data folder to an account of its own and run as that.")
    if not settings.tls_cert and not place.is_loopback and not settings.external_url.startswith("https:"):
        notes.append(
            f"warning: plain HTTP on {settings.listen}: passwords travel in the clear, and docker on other machines "
            "refuses it. Set tls_cert and tls_key, or put a proxy with TLS in front and set external_url."
        )
    return notes


# -- the banner -------------------------------------------------------------------------------------------


def _await_ready(pipe: int, on_ready: Callable[[], None]) -> None:
    """Call `on_ready` once the first worker is up."""
    if os.read(pipe, 1):
        on_ready()


def _print_banner(settings: Settings, place: Place, prepared: Prepared) -> None:
    """Say where the server is and how to log in: for people on a terminal, one JSON line elsewhere."""
    scheme = "https" if settings.tls_cert else "http"
    url = settings.external_url.rstrip("/") or f"{scheme}://{place.authority}"
    authority = url.partition("://")[2]
    file = settings.data_folder / ADMIN_PASSWORD
    login = f"docker login {authority} --username admin"
    if file.exists():
        login += f" --password-stdin < {_quote(str(file))}"
        password = str(file)
    else:
        password = "as it was given" if prepared.first else "as it was set"
    facts = {
        "event": "ready",
        "url": url,
        "listen": place.bound,
        "user": "admin",
        "password": password,
        "login": login,
        "data": str(settings.data_folder),
        "database": "sqlite" if settings.sqlite_file else "postgresql",
        "storage": settings.storage.kind,
        "workers": settings.worker_count,
        "pid": os.getpid(),
        "version": __version__,
    }
    if not sys.stdout.isatty():
        print(json.dumps(facts), flush=True)
        return
    where = f"kept in {password}, until it is changed" if file.exists() else password
    print(
        f"\n  Moorage {__version__}\n\n"
        f"  URL       {url}\n"
        f"  User      admin\n"
        f"  Password  {where}\n"
        f"  Log in    {login}\n"
        f"  Data      {settings.data_folder} ({facts['database']}, {settings.storage.kind})\n\n"
        f"  Ctrl-C stops.\n",
        flush=True,
    )


def _quote(text: str) -> str:
    import shlex

    return shlex.quote(text)
