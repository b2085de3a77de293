"""`moorage work`: run background jobs, in a process of their own, until stopped."""

import argparse
import asyncio
import gc
import logging.config
import os
import signal
from typing import TYPE_CHECKING

from moorage.cli.arguments import Commands, add_command
from moorage.cli.exit_status import DONE, UNREACHABLE, Stop

if TYPE_CHECKING:
    from moorage.settings import Settings

EXAMPLES = """
moorage work
moorage work --config /etc/moorage/moorage.toml --slots 32
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    command = add_command(
        commands, "work", run, does="run background jobs until stopped: as many of these as you like", examples=EXAMPLES
    )
    command.add_argument("--slots", metavar="N", help="tasks at once, 1 to 1000 (default: jobs.slots)")


def run(arguments: argparse.Namespace) -> int:
    """Take up tasks until SIGTERM or SIGINT; what is unfinished then is given back.

    Raises:
        Stop: there is no store, its tables are of another version, or the database cannot be reached.
    """
    from moorage.cli.administration import open_store
    from moorage.logs import make_config

    os.umask(0o077)
    with open_store(arguments) as store:
        settings = store.settings
    logging.config.dictConfig(make_config(settings.log))
    return work(settings, slots=settings.jobs.slots)


def work(settings: "Settings", *, slots: int, idle_seconds: float = 0.0) -> int:
    """Be a worker until SIGTERM or SIGINT, or until there was nothing to do for `idle_seconds`; the exit status.

    Raises:
        Stop: the database cannot be reached.
    """
    import uvloop

    from moorage import failpoints
    from moorage.errors import Problem

    if settings.fault:
        failpoints.arm(settings.fault)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(settings, slots, idle_seconds))
    except Problem as problem:
        raise Stop(str(problem), UNREACHABLE) from problem
    return DONE


async def _work(settings: "Settings", slots: int, idle_seconds: float) -> None:
    gc.disable()  # what is imported stays: a tenth of the start would go into looking through it again and again
    try:
        from moorage.jobs.worker import Worker
        from moorage.worker_app import opening

        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with opening(settings) as parts:
            gc.freeze()
            gc.enable()
            await Worker(parts, slots=slots, idle_seconds=idle_seconds).run(stop)
    finally:
        gc.enable()
