"""Run the tests in stages and close with what ran, what was left out and why.

    python tools/run_tests.py            everything this machine can run
    python tools/run_tests.py unit api   only these folders of tests/, without the tests that need a real part
    python tools/run_tests.py --deep     everything, with large counts

A stage is a folder of tests/, so a new folder is picked up by itself. First come the checks and the tests that need
no real part; then what starts servers. Stages run in lanes, the longest first; a stage in a lane is silent until it has
ended. While `.ci/run` still installs those servers in its second lane, it names a file in
MOORAGE_INSTALLING; the second half waits for it. A stage that takes much longer than its budget is stopped and has
failed. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.conftest import Row, format_table  # noqa: E402 - found through the line above
from tests.parts import is_ci, list_excused, list_names  # noqa: E402

QUICK = ("unit", "api", "contracts", "house")
"""Folders that run first; their tests with a real part come later, in one stage."""
PARALLEL = ("unit", "api")
"""Folders whose tests share nothing but the processor."""
ALONE = ("api",)
"""Of a whole run's first stages: what takes both processors, and is to be seen while it runs."""
NO_TESTS = ("fakes", "bench")
BUDGETS = {"check": 120, "unit": 60, "api": 240, "contracts": 60, "house": 30, "with parts": 400, "flows": 420}
BUDGETS |= {"rest": 330, "parts": 60, "clients": 160, "conformance": 100, "faults": 450, "portal": 480, "jobs": 120}
BUDGET = 120
"""Seconds of a stage that is not listed."""
LANES = 2
"""Stages that run at a time."""
GRACE_SECONDS = 120
"""On top of three budgets: a busy machine is no reason to stop a stage."""
INSTALL_SECONDS = 900
"""How long the second lane may take after the first has come to wait for it."""
INSTALLING = "MOORAGE_INSTALLING"
"""Where the second lane writes; for this program alone: a server takes it for a setting that it does not know."""
NO_TESTS_COLLECTED = 5
"""The status of pytest when a selection is empty."""


@dataclass
class Stage:
    """One line of the closing list.

    Attributes:
        name: a folder of tests/, or what the stage does.
        command: program and arguments.
        seconds: what it took.
        result: `ok`, `failed`, `nothing to run`, or why it was stopped.
        report: what tests/conftest.py wrote: counts, parts, what was left out.
    """

    name: str
    command: list[str]
    seconds: float = 0.0
    result: str = ""
    report: dict[str, Any] = field(default_factory=dict)  # JSON

    def count(self, *outcomes: str) -> int:
        """How many tests ended so."""
        return sum(self.report.get("stats", {}).get(outcome, 0) for outcome in outcomes)

    @property
    def is_failed(self) -> bool:
        """Whether the run fails because of it."""
        return self.result not in {"ok", "nothing to run"}


def list_folders() -> list[str]:
    """The folders of tests/ that hold tests, those with a budget first and in its order."""
    order = list(BUDGETS)
    found = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")}
    return sorted(found - set(NO_TESTS), key=lambda name: (order.index(name) if name in order else len(order), name))


def plan(asked: list[str], *, deep: bool, seed: int) -> tuple[list[Stage], list[Stage]]:
    """What to run: before the real parts are needed, and after."""
    pytest = [sys.executable, "-m", "pytest", "-q", f"--randomly-seed={seed}", f"--hypothesis-seed={seed}"]
    pytest += ["--deep"] if deep else []
    folders = list_folders()
    quick = [name for name in folders if name in QUICK and (not asked or name in asked)]
    first = [
        Stage(name, [*pytest, f"tests/{name}", "-m", "not part", *(["-n", "2"] if name in PARALLEL else [])])
        for name in quick
    ]
    rest = [
        Stage(name, [*pytest, f"tests/{name}"]) for name in folders if name not in QUICK and name in (asked or folders)
    ]
    if asked:
        return first, rest
    first.insert(0, Stage("check", [sys.executable, "tools/check.py"]))
    rest.insert(0, Stage("with parts", [*pytest, *(f"tests/{name}" for name in quick), "-m", "part"]))
    return first, rest


@dataclass
class Running:
    """A stage that has begun.

    Attributes:
        scratch: where its report, and in a lane its output, is written.
        ends: when it is stopped, on the monotonic clock.
    """

    stage: Stage
    process: "subprocess.Popen[bytes]"
    scratch: Path
    began: float
    ends: float

    def close(self, status: int | None) -> None:
        """Take down how it ended (None: it had to be stopped) and show what it said."""
        stage = self.stage
        stage.seconds = time.monotonic() - self.began
        report, output = self.scratch / "report.json", self.scratch / "output"
        stage.report = json.loads(report.read_text()) if report.exists() else {}
        if output.exists():
            print(f"\n== {stage.name}, {stage.seconds:.0f} s in its lane", flush=True)
            sys.stdout.buffer.write(output.read_bytes())
            sys.stdout.flush()
        shutil.rmtree(self.scratch)
        if status is None:
            stage.result = f"stopped after {stage.seconds:.0f} s"
        elif status == NO_TESTS_COLLECTED:
            stage.result = "nothing to run"
        else:
            stage.result = "ok" if status == 0 else "failed"


def start(stage: Stage, *, deep: bool, silent: bool) -> Running:
    """Start a stage; its output goes straight to the terminal, or into a file until it has ended."""
    budget = BUDGETS.get(stage.name, BUDGET) * (20 if deep else 1)
    print(f"\n== {stage.name} (budget {budget} s{', in a lane of its own' if silent else ''})", flush=True)
    scratch, began = Path(tempfile.mkdtemp()), time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name != INSTALLING}
    environment["MOORAGE_TEST_REPORT"] = str(scratch / "report.json")
    with (scratch / "output").open("wb") if silent else nullcontext() as output:
        process = subprocess.Popen(stage.command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    return Running(stage, process, scratch, began, began + 3 * budget + GRACE_SECONDS)


def run(stage: Stage, *, deep: bool) -> None:
    """Run one stage, seen as it runs."""
    running = start(stage, deep=deep, silent=False)
    running.close(wait(running.process, limit=running.ends - time.monotonic()))


def run_in_lanes(stages: list[Stage], *, deep: bool) -> None:
    """Run stages in lanes, the longest first."""
    waiting = sorted(stages, key=lambda stage: -BUDGETS.get(stage.name, BUDGET))
    lanes: list[Running] = []
    while waiting or lanes:
        while waiting and len(lanes) < LANES:
            lanes.append(start(waiting.pop(0), deep=deep, silent=True))
        try:
            time.sleep(0.1)
        except KeyboardInterrupt:
            for running in lanes:
                running.process.wait(60)
            raise
        for running in [each for each in lanes if each.process.poll() is not None or time.monotonic() > each.ends]:
            lanes.remove(running)
            running.close(wait(running.process, limit=0))


def hear_interrupts() -> None:
    """Let this process and those that it starts hear SIGINT, also where it was started in the background.

    A shell starts what it puts in the background with SIGINT ignored, and that is handed down; a stage could then be
    stopped by SIGKILL only, and would leave its servers behind.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def wait(process: "subprocess.Popen[bytes]", *, limit: float) -> int | None:
    """The status of a process, or None when it had to be stopped: first by Ctrl-C, so that it stops its servers."""
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    except KeyboardInterrupt:
        process.wait(60)
        raise
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return None


def wait_for_installing() -> Stage | None:
    """Wait for the second lane of `.ci/run`, if there is one; its log is shown."""
    name = os.environ.get(INSTALLING)
    if not name:
        return None
    stage, done, log = Stage("waiting for installs", []), ROOT / f"{name}.done", ROOT / f"{name}.log"
    began = time.monotonic()
    while not done.exists() and time.monotonic() < began + INSTALL_SECONDS:
        time.sleep(0.2)
    stage.seconds = time.monotonic() - began
    # A failed install is no failure by itself: the part that is missing for it is, unless it is excused.
    stage.result = "ok" if done.exists() else f"not done after {INSTALL_SECONDS} s"
    print("\n== the second lane", flush=True)
    print(log.read_text(errors="replace").strip() if log.exists() else "no log", flush=True)
    return stage


def gather_parts(stages: list[Stage], *, everything: bool) -> list[Row]:
    """One row per part that was asked for, or per known part, over all stages."""
    rows = {name: Row(name) for name in (list_names() if everything else [])}
    for stage in stages:
        for found in stage.report.get("parts", []):
            rows.setdefault(found["name"], Row(found["name"])).add(Row(**found))
    return sorted(rows.values(), key=lambda row: row.name)


def close(stages: list[Stage], *, everything: bool) -> bool:
    """Print the closing report. True when nothing failed and nothing was left out that may not be."""
    excused = list_excused()
    print("\n" + "=" * 100)
    if excused:
        print(f"CI_WITHOUT={','.join(excused)}: this run did without them")
    print(f"{'stage':<22} {'seconds':>8}  result")
    for stage in stages:
        counts = f"{stage.count('passed')} passed, {stage.count('failed', 'error')} failed" if stage.report else ""
        print(f"{stage.name:<22} {stage.seconds:>8.1f}  {stage.result:<16} {counts}")
    print(f"{'together, in lanes':<22} {sum(stage.seconds for stage in stages):>8.1f}")

    rows = gather_parts(stages, everything=everything)
    if rows:
        print("\n" + "\n".join(format_table(rows)))
    left_out = [entry for stage in stages for entry in stage.report.get("left_out", [])]
    unused = [row.name for row in rows if not row.ran and not row.reason] if everything else []
    if left_out:
        print("\nleft out:")
        for test, reason, is_excused in left_out:
            print(f"  {test}: {reason}{' (excused)' if is_excused else ''}")

    failed = sum(stage.count("failed", "error") or int(stage.is_failed) for stage in stages)
    if is_ci():
        if unused:
            print(f"\nno test used: {', '.join(unused)}")
        failed += len(unused) + sum(1 for *_, is_excused in left_out if not is_excused)
    failures = [stage.name for stage in stages if stage.is_failed]
    if failures:
        print(f"\nfailed: {', '.join(failures)}")
    passed, skipped = sum(stage.count("passed") for stage in stages), sum(stage.count("skipped") for stage in stages)
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return not failed and bool(passed)


def main() -> int:
    """0 when all is well."""
    hear_interrupts()
    parser = argparse.ArgumentParser(description="Run the tests in stages.")
    parser.add_argument("folder", nargs="*", help="folders of tests/; without one, everything")
    parser.add_argument("--deep", action="store_true", help="large counts")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="of the order and the examples")
    asked = parser.parse_args()
    unknown = set(asked.folder) - set(list_folders()) - set(QUICK)
    if unknown:
        parser.error(f"no tests in tests/{', tests/'.join(sorted(unknown))}")
    if list_excused():
        print(f"CI_WITHOUT={','.join(list_excused())}: parts supplied by these may be missing")
    print(f"seed {asked.seed}", flush=True)
    first, rest = plan(asked.folder, deep=asked.deep, seed=asked.seed)
    ran: list[Stage] = []
    alone = first if asked.folder else [stage for stage in first if stage.name in ALONE]
    run_in_lanes([stage for stage in first if stage not in alone], deep=asked.deep)
    for stage in alone:
        run(stage, deep=asked.deep)
    ran += first
    if rest and (installing := wait_for_installing()):
        ran.append(installing)
    if len(rest) == 1:
        run(rest[0], deep=asked.deep)
    else:
        run_in_lanes(rest, deep=asked.deep)
    return 0 if close([*ran, *rest], everything=not asked.folder) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
