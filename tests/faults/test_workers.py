"""`moorage serve` with two workers on one SQLite folder: the kernel decides who answers, and one of them may die."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from moorage.configuration.cached_settings import WATCH_SECONDS
from tests import serving
from tests.commands import is_of_jobs
from tests.faults.invariants import check
from tests.faults.place import Place
from tests.faults.registry import Client, Cut, digest_of, image, some_bytes

HERE = "team/app"


def list_workers(parent: int) -> list[int]:
    """The children of the server that answer requests."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z" and not is_of_jobs(int(stat.parent.name)):
            found.append(int(stat.parent.name))
    return found


async def push(client: Client, number: int, layer: bytes, *, attempts: int) -> int:
    """Push an image on new connections, each blob in three requests; broken ones are tried again, as clients do."""
    for attempt in range(attempts):
        try:
            for data in (layer, b"{}"):
                reply = await client.push_blob(HERE, data, pieces=2)
                assert reply.status == 201, reply
            reply = await client.put_manifest(HERE, f"t{number}", image(layer))
        except Cut:
            await asyncio.sleep(0.1 * (attempt + 1))
        else:
            assert reply.status == 201, reply
            return attempt
    raise AssertionError(f"push {number} did not come through")


@pytest.mark.parametrize("killing", [False, True], ids=["quiet", "one is killed"])
async def test_two_workers_share_a_folder(tmp_path: Path, *, killing: bool) -> None:
    layers = [some_bytes(2_000 + number) for number in range(40)]
    with serving.serve(tmp_path / "data", workers=2, settings={"log.level": "warning"}) as moorage:
        moorage.create_project("team")
        place = Place(tmp_path / "data")
        async with place.visit(moorage.url, moorage.admin) as client:
            await client.token(HERE)
            work = [asyncio.create_task(push(client, n, layer, attempts=8)) for n, layer in enumerate(layers)]
            if killing:
                await asyncio.sleep(0.3)
                os.kill(list_workers(moorage.pid)[0], signal.SIGKILL)
            await asyncio.gather(*work)

            for number, layer in enumerate(layers):
                assert await client.pull(HERE, f"t{number}") == image(layer)
                assert (await client.get_blob(HERE, digest_of(layer))).body == layer
            assert len(list_workers(moorage.pid)) == 2, "the dead worker was not replaced"
    check(place.url, place.storage, rest=not killing)


async def test_read_only_holds_in_every_worker_within_a_second(tmp_path: Path) -> None:
    """What docs/operate/configuration.md promises: the REST API at once, registry clients a second later at most."""
    with serving.serve(tmp_path / "data", workers=2, settings={"log.level": "warning"}) as moorage:
        moorage.create_project("team")
        place = Place(tmp_path / "data")
        async with place.visit(moorage.url, moorage.admin) as client:
            await client.token(HERE)
            for read_only, expected, status in ((True, 403, 403), (False, 202, 201)):
                changed = await client.api("PUT", "/configurations", {"read_only": read_only})
                told = time.monotonic()
                assert changed.status == 200, changed
                made = [
                    (await client.api("POST", "/projects", {"project_name": f"p{read_only}{n}".lower()})).status
                    for n in range(12)
                ]
                assert set(made) == {status}, "the REST API answers with a setting that is past"
                # Half a second, and more for a machine that is busy with other things.
                await asyncio.sleep(max(0.0, told + 1.5 - time.monotonic()))
                seen: set[int] = set()
                while seen != {expected} and time.monotonic() < told + 30:
                    seen = {reply.status for reply in await asyncio.gather(*(client.start(HERE) for _ in range(40)))}
                assert seen == {expected}
                assert WATCH_SECONDS <= 1
