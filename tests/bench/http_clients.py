"""Compare HTTP clients for requests to other systems: ours, httpcore, httpx and, where it is installed, aiohttp.

    python -m tests.bench.http_clients [--rounds N] [--mb SIZE]

The server is nginx on this machine. Each client sends small requests, 16 at a time, and then reads one large body; both
are told as figures by the clock and as processor time of this process, which is what a busy machine leaves comparable.
"""

import argparse
import asyncio
import importlib
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpcore
import httpx

from moorage.remotes.http_client import Outgoing
from tests.bench.load import Wrong
from tests.bench.servers import start_nginx

REQUESTS = 2_000
AT_ONCE = 16

Get = Callable[[str], Awaitable[int]]
"""Reads a body to its end; how many bytes it had."""


async def _ours(exits: AsyncExitStack) -> Get:
    session = await exits.enter_async_context(Outgoing().session("system"))

    async def get(url: str) -> int:
        async with session.stream("GET", url) as found:
            return sum([len(piece) async for piece in found.pieces])

    return get


async def _httpcore(exits: AsyncExitStack) -> Get:
    pool = await exits.enter_async_context(httpcore.AsyncConnectionPool(max_connections=AT_ONCE))

    async def get(url: str) -> int:
        async with pool.stream("GET", url) as found:
            return sum([len(piece) async for piece in found.aiter_stream()])

    return get


async def _httpx(exits: AsyncExitStack) -> Get:
    client = await exits.enter_async_context(httpx.AsyncClient(trust_env=False))

    async def get(url: str) -> int:
        async with client.stream("GET", url) as found:
            return sum([len(piece) async for piece in found.aiter_raw()])

    return get


async def _aiohttp(exits: AsyncExitStack) -> Get:
    aiohttp: Any = importlib.import_module("aiohttp")
    client = await exits.enter_async_context(aiohttp.ClientSession(auto_decompress=False))

    async def get(url: str) -> int:
        async with client.get(url) as found:
            return sum([len(piece) async for piece in found.content.iter_any()])

    return get


CLIENTS = {"ours": _ours, "httpcore": _httpcore, "httpx": _httpx, "aiohttp": _aiohttp}


async def _measure(label: str, base: str, size_bytes: int) -> tuple[float, float, float, float]:
    """Requests a second, µs of processor time for each; MB a second, seconds of processor time for 1 GiB."""
    async with AsyncExitStack() as exits:
        get = await CLIENTS[label](exits)
        await get(f"{base}/small")
        left = iter(range(REQUESTS))

        async def work() -> None:
            for _ in left:
                if await get(f"{base}/small") != 1_000:
                    raise Wrong(f"{label}: a small body was not whole")

        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        took, cost = time.perf_counter() - began, time.process_time() - used
        began, used = time.perf_counter(), time.process_time()
        if await get(f"{base}/large") != size_bytes:
            raise Wrong(f"{label}: the large body was not whole")
        large, spent = time.perf_counter() - began, time.process_time() - used
    return REQUESTS / took, cost / REQUESTS * 1e6, size_bytes / large / 1e6, spent * (1 << 30) / size_bytes


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.http_clients")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mb", type=int, default=1024, help="of the large body (1024)")
    chosen = parser.parse_args()
    labels = list(CLIENTS)
    try:
        importlib.import_module("aiohttp")
    except ImportError:
        print("aiohttp is not installed, and left out")
        labels.remove("aiohttp")
    with tempfile.TemporaryDirectory() as folder:
        nginx = start_nginx(Path(folder) / "nginx")
        try:
            (nginx.folder / "files/small").write_bytes(b"x" * 1_000)
            (nginx.folder / "files/large").write_bytes(bytes(chosen.mb << 20))
            found: dict[str, list[tuple[float, float, float, float]]] = {label: [] for label in labels}
            for _ in range(chosen.rounds):
                for label in labels:
                    found[label].append(asyncio.run(_measure(label, f"http://{nginx.target.host}", chosen.mb << 20)))
        finally:
            nginx.server.stop()
    print("| client | requests/s | µs CPU each | MB/s | s CPU per GiB |")
    print("| --- | --- | --- | --- | --- |")
    for label, rounds in found.items():
        small, cost, large, spent = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"| {label} | {small:,.0f} | {cost:.0f} | {large:,.0f} | {spent:.2f} |")


if __name__ == "__main__":
    main()
