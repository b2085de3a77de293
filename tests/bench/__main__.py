"""Measure Moorage beside other registries: `make bench`, `make bench ROW=manifest-get`.

    python -m tests.bench [ROW ...] [--rounds N] [--keep]
    python -m tests.bench --build-peer

Writes reports/bench.md and reports/bench.json, after each row.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench import collecting, jobs, lists, lookups, machine, proxying, replication, report, transfers
from tests.bench.load import Wrong
from tests.bench.report import Row
from tests.bench.servers import NEWER, Servers, build_newer
from tests.bench.store import Shape
from tests.parts.base import Broken, Missing, make_folder

ROOT = Path(__file__).resolve().parents[2]

Measure = Callable[[Servers, int], Row | Iterator[Row]]

ROWS: Mapping[str, Measure] = {
    "manifest-get": lookups.measure_manifests,
    "blob-head": lookups.measure_heads,
    "tags": lookups.measure_tags,
    "token": lookups.measure_tokens,
    "manifest-put": lookups.measure_puts,
    "push": transfers.measure_pushes,
    "pull": transfers.measure_pulls,
    "start": transfers.measure_start,
    "memory": transfers.measure_memory,
    "growth": lookups.measure_growth,
    **{asked.name: lists.measure(asked) for asked in lists.LISTS},
    "api-middle": lists.measure_middle,
    "api-growth": lists.measure_growth,
    "jobs": jobs.measure,
    "gc": collecting.measure,
    "replicate-small": replication.measure_small,
    "replicate-large": replication.measure_large,
    "proxy": proxying.measure,
}


GROUPS: Mapping[str, list[str]] = {"api": [name for name in ROWS if name.startswith("api-")]}
"""Several rows under one name."""


def main() -> int:
    """Measure, print, write; 1 when a row could not be measured."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as it is installed: a package brings its bytecode along
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure Moorage beside its peers.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"all of them by default: {', '.join((*ROWS, *GROUPS))}")
    parser.add_argument("--rounds", type=int, default=3, help="how often each server is measured (3)")
    parser.add_argument("--artifacts", type=int, default=100_000, help="how many the large store holds (100000)")
    parser.add_argument("--keep", action="store_true", help="leave the data of all servers behind")
    parser.add_argument("--build-peer", action="store_true", help="build distribution 3 by go, as a second peer")
    chosen = parser.parse_args()
    if unknown := set(chosen.rows) - set(ROWS) - set(GROUPS):
        parser.error(f"no row is called {', '.join(sorted(unknown))}")
    if chosen.build_peer:
        build_newer()
        return 0
    names = [name for asked in chosen.rows or ROWS for name in GROUPS.get(asked, [asked])]
    return _measure(names, chosen)


def _measure(names: list[str], chosen: argparse.Namespace) -> int:
    began = time.monotonic()
    facts = machine.describe()
    folder = make_folder("bench")
    servers = Servers(folder, Shape(artifacts=chosen.artifacts))
    rows: list[Row] = []
    failed = 0
    try:
        for name in names:
            try:
                found = ROWS[name](servers, chosen.rounds)
                for row in [found] if isinstance(found, Row) else found:
                    rows.append(row)
                    print(report.to_text(row), "", sep="\n", flush=True)
            except (Wrong, Broken, Missing) as exc:
                print(f"{name}: not measured: {exc}\n", file=sys.stderr, flush=True)
                servers.missing[name] = str(exc).splitlines()[0][:300]
                failed = 1
            facts["took"] = f"{time.monotonic() - began:.0f} s"
            report.write(ROOT / "reports", rows, facts, servers.missing)
    finally:
        servers.stop()
        if chosen.keep:
            print(f"the data is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for label, reason in servers.missing.items():
        print(f"not measured: {label}: {reason}" + (" (optional)" if label == NEWER else ""))
    print(f"{ROOT / 'reports' / 'bench.md'}, {time.monotonic() - began:.0f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main())
