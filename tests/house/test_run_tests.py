"""How a whole run closes: nothing that failed, was stopped or was left out can end in success."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import run_tests
from tools.run_tests import Stage


def stage(name: str = "unit", result: str = "ok", *, left_out: list[list[object]] | None = None, **stats: int) -> Stage:
    """A stage that has run."""
    return Stage(name, [], result=result, report={"stats": stats, "parts": [], "left_out": left_out or []})


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("CI_WITHOUT", raising=False)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What the report ends with."""
    return capsys.readouterr().out.splitlines()[-1]


def test_a_run_closes_with_one_line_over_all_stages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tests.close([stage(passed=3), stage("api", passed=4, skipped=1)], everything=False)

    assert last_line(capsys) == "7 passed, 0 failed, 1 skipped"


@pytest.mark.parametrize(
    "bad",
    [
        stage(result="failed", passed=1, failed=1),
        stage(result="failed", passed=1, error=1),
        stage(result="failed", passed=1),
        stage(result="stopped after 180 s"),
    ],
    ids=["failed", "error", "status", "stopped"],
)
def test_one_bad_stage_fails_the_run(bad: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run_tests.close([stage(passed=3), bad], everything=False)

    assert ", 1 failed, " in last_line(capsys)


def test_a_run_without_any_test_has_failed() -> None:
    assert not run_tests.close([stage(result="nothing to run")], everything=False)


@pytest.mark.parametrize(("ci", "excused", "good"), [(False, False, True), (True, False, False), (True, True, True)])
def test_in_ci_what_is_left_out_has_to_be_excused(
    ci: bool, excused: bool, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ci:
        monkeypatch.setenv("CI", "true")

    done = run_tests.close([stage(passed=1, skipped=1, left_out=[["test_it", "no crane", excused]])], everything=False)

    assert done is good


def test_in_ci_a_part_that_no_test_used_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")

    assert not run_tests.close([stage(passed=1)], everything=True)

    assert "no test used: " in capsys.readouterr().out


def test_what_ci_does_without_is_the_first_line_of_the_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI_WITHOUT", "go")

    run_tests.close([stage(passed=1)], everything=False)

    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip("=")]
    assert lines[0].startswith("CI_WITHOUT=go: ")


def test_a_stage_that_does_not_end_is_stopped() -> None:
    run_tests.hear_interrupts()
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: pass"]
    )

    status = run_tests.wait(process, limit=0.5)

    assert status is None
    assert process.returncode is not None
    assert time.monotonic() - began < 10


def test_every_folder_with_tests_is_a_stage() -> None:
    first, rest = run_tests.plan([], deep=False, seed=1)
    names = {stage.name for stage in [*first, *rest]}

    assert names == {*run_tests.list_folders(), "check", "with parts"}
    assert {"unit", "house", "parts", "clients"} <= names


def test_two_stages_run_at_a_time_and_are_shown_one_after_the_other(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    meet = (
        "import pathlib, sys, time\n"
        "mine, other = map(pathlib.Path, sys.argv[1:])\n"
        "print('begin', mine.name, flush=True)\n"
        "mine.touch()\n"
        "while not other.exists(): time.sleep(0.01)\n"
        "print('end', mine.name)"
    )
    left, right = str(tmp_path / "left"), str(tmp_path / "right")
    stages = [
        Stage("one", [sys.executable, "-c", meet, left, right]),
        Stage("two", [sys.executable, "-c", meet, right, left]),
    ]
    stages.append(Stage("three", [sys.executable, "-c", "raise SystemExit(1)"]))

    run_tests.run_in_lanes(stages, deep=False)

    assert [stage.result for stage in stages] == ["ok", "ok", "failed"]
    shown = capfdbinary.readouterr().out
    assert b"begin left\nend left\n" in shown
    assert b"begin right\nend right\n" in shown
