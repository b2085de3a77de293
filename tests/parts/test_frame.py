"""What becomes of a test whose part is missing: the rules that keep a silent skip out of CI."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

NEEDS_A_PART = """
import pytest

@pytest.mark.part("skopeo")
def test_it():
    pass
"""


def run_pytest(folder: Path, test: str, *options: str, **environment: str) -> tuple[int, str, dict[str, Any]]:
    """Run a made-up test with this project's conftest where no program is found. Shape: status, output, report."""
    target = folder / "test_made_up.py"
    target.write_text(test)
    report = folder / "report.json"
    clean = {key: value for key, value in os.environ.items() if key not in {"CI", "CI_WITHOUT"}}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"),
            *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), *options, str(target)),
        ],
        cwd=ROOT,
        env={**clean, "PATH": str(folder), "MOORAGE_TEST_REPORT": str(report), **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, json.loads(report.read_text()) if report.exists() else {}


def test_on_a_workstation_a_missing_part_is_left_out_with_its_reason(tmp_path: Path) -> None:
    status, output, report = run_pytest(tmp_path, NEEDS_A_PART)

    assert status == 0, output
    assert "1 skipped" in output
    assert "missing: skopeo is not installed (apt-get install skopeo) (1 left out)" in output
    assert [(reason, excused) for _, reason, excused in report["left_out"]] == [
        ("skopeo: skopeo is not installed (apt-get install skopeo)", False)
    ]


def test_in_ci_a_missing_part_is_a_failure(tmp_path: Path) -> None:
    status, output, _ = run_pytest(tmp_path, NEEDS_A_PART, CI="true")

    assert status == pytest.ExitCode.TESTS_FAILED
    assert "1 failed" in output or "1 error" in output
    assert "skopeo is not installed" in output


def test_in_ci_a_part_is_excused_by_where_it_comes_from(tmp_path: Path) -> None:
    status, output, report = run_pytest(tmp_path, NEEDS_A_PART, CI="true", CI_WITHOUT="go, apt")

    assert status == 0, output
    assert "CI_WITHOUT=go,apt" in output
    assert [excused for *_, excused in report["left_out"]] == [True]


def test_in_ci_a_part_is_not_excused_by_another_supplier(tmp_path: Path) -> None:
    status, output, _ = run_pytest(tmp_path, NEEDS_A_PART, CI="true", CI_WITHOUT="go")

    assert status == pytest.ExitCode.TESTS_FAILED, output


@pytest.mark.parametrize("ci", [True, False])
def test_a_test_that_skips_itself_fails_the_run_in_ci_only(tmp_path: Path, ci: bool) -> None:
    test = "import pytest\n\ndef test_it():\n    pytest.s" + "kip('not today')\n"

    status, output, report = run_pytest(tmp_path, test, **({"CI": "true"} if ci else {}))

    assert (status != 0) is ci, output
    assert [reason for _, reason, _ in report["left_out"]] == ["not today"]


def test_a_part_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    status, output, _ = run_pytest(tmp_path, NEEDS_A_PART.replace("skopeo", "nothing"))

    assert status == pytest.ExitCode.USAGE_ERROR
    assert "there is no tests/parts/nothing.py" in output


def test_deep_tests_run_only_when_asked(tmp_path: Path) -> None:
    test = "import pytest\n\n@pytest.mark.deep\ndef test_it():\n    pass\n\ndef test_other():\n    pass\n"

    _, normal, _ = run_pytest(tmp_path, test)
    _, deep, _ = run_pytest(tmp_path, test, "--deep")

    assert "1 passed, 1 deselected" in normal
    assert "2 passed" in deep
