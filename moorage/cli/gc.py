"""`moorage gc`: delete what nothing points to, or say what would go."""

import argparse
import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING

from moorage.cli.administration import open_store
from moorage.cli.arguments import Commands, add_command, add_json
from moorage.cli.exit_status import DONE, FAILED, UNREACHABLE, Stop

if TYPE_CHECKING:
    from moorage.cli.administration import Store
    from moorage.gc.collector import Run
    from moorage.gc.dry_run import Forecast


def add(commands: Commands) -> None:
    """Describe the command."""
    command = add_command(commands, "gc", run, does="delete what nothing points to, while the server runs", examples="""
moorage gc --dry-run
moorage gc
moorage gc --json | jq .size_bytes
""")  # fmt: skip
    command.add_argument("--dry-run", action="store_true", help="delete nothing; say what a run would delete")
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Collect once, or forecast. Ctrl-C stops it between two steps; the next run goes on from there."""
    with open_store(arguments) as store:
        if arguments.dry_run:
            return _forecast(store, as_json=arguments.json)
        return asyncio.run(_collect(store, as_json=arguments.json))


def _forecast(store: "Store", *, as_json: bool) -> int:
    from moorage.gc.dry_run import forecast

    found: Forecast = store.run(forecast)
    if as_json:
        print(json.dumps(found._asdict()))
        return DONE
    from moorage.quotas.service import format_size

    if found.acts:
        print(f"The time is over for {found.acts} deletion{'' if found.acts == 1 else 's'}: nothing brings them back.")
    if found.uploads:
        print(f"{found.uploads} upload{'' if found.uploads == 1 else 's'} that nobody went on with.")
    print(f"Nobody holds {_blobs(found.blobs)} any more: {format_size(found.size_bytes)}.")
    if found.doomed:
        print(f"{_blobs(found.doomed)} more wait for their bytes to be deleted: {format_size(found.doomed_bytes)}.")
    for digest, size in found.largest[:10]:
        print(f"  {format_size(size):>10}  {digest}")
    if found.blobs > 10:
        print(f"  and {found.blobs - 10} smaller ones")
    print(
        "Nothing was deleted. A blob that was pushed, announced or released lately keeps its lease and is not counted."
    )
    return DONE


async def _collect(store: "Store", *, as_json: bool) -> int:
    from moorage.errors import Unavailable
    from moorage.gc.collector import Collector
    from moorage.gc.database_clock import Clock
    from moorage.quotas.service import format_size
    from moorage.storage.drivers import open_storage

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tells = not as_json and sys.stderr.isatty()

    async def watch(so_far: "Run") -> bool:
        if tells:
            freed = format_size(so_far.size_bytes)
            print(
                f"\r{so_far.gone['blobs']} blobs let go, {so_far.files} files deleted, {freed}\x1b[K",
                end="",
                file=sys.stderr,
            )
        return not stop.is_set()

    storage = open_storage(store.settings)
    try:
        await storage.open()
        collector = Collector(
            store.database, storage, Clock(store.settings.uploads.lease_seconds),
            grace_seconds=store.settings.storage.redirect_seconds + 300,
        )  # fmt: skip
        done = await collector.run(watch)
    except Unavailable as problem:
        raise Stop(f"{problem} What was done so far is done; the next run goes on.", UNREACHABLE) from problem
    finally:
        await storage.close()
    if tells:
        print("\r\x1b[K", end="", file=sys.stderr)
    return _report(done, as_json=as_json)


def _report(done: "Run", *, as_json: bool) -> int:
    from moorage.quotas.service import format_size

    if as_json:
        facts = {"size_bytes": done.size_bytes, "files": done.files, "failed": done.failed}
        print(json.dumps({**dict(done.gone), **facts, "held": done.held, "stopped": done.stopped}))
    else:
        freed = format_size(done.size_bytes)
        if done.gone["artifacts"] or done.gone["acts"]:
            print(f"{done.gone['acts']} deletions purged, {done.gone['artifacts']} artifacts.")
        if done.gone["uploads"]:
            print(f"{done.gone['uploads']} uploads ended.")
        print(f"{_blobs(done.gone['blobs'])} let go; {done.files} files deleted, {freed} came back.")
        if done.held:
            print("The database's clock jumped, so nothing new was let go: see the log.")
        if done.stopped:
            print("Stopped; the next run goes on from here.")
        if done.failed:
            print(f"{done.failed} files could not be deleted, see above; the next run tries again.", file=sys.stderr)
    return FAILED if done.failed or done.stopped else DONE


def _blobs(count: int) -> str:
    return f"{count} blob{'' if count == 1 else 's'}"
