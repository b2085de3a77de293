"""A run of the suite that is not good is not taken for one."""

from pathlib import Path

import pytest

from tests.conformance.results import list_allowed, read_run, read_sections

TESTS = """\
<testsuites><testsuite name="OCI Conformance Test" tests="9" disabled="1">
<testcase name="OCI Conformance Test/ping" status="passed">
  <system-err>Authorization: [Bearer ***] Authorization: [Bearer ***]</system-err></testcase>
<testcase name="OCI Conformance Test/tag" status="failure">
  <system-out>received 404</system-out><system-err>Authorization: [Basic ***]</system-err></testcase>
<testcase name="OCI Conformance Test/mount" status="skipped">
  <system-out>registry returned status 202</system-out></testcase>
<testcase name="OCI Conformance Test/cancel" status="skipped"><system-err>nothing</system-err></testcase>
<testcase name="OCI Conformance Test/engine" status="error"><system-out>broke off</system-out></testcase>
</testsuite></testsuites>
"""


def test_failures_errors_and_skips_are_found(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(TESTS)

    run = read_run(tmp_path / "junit.xml")

    assert run.count == 9
    assert run.failed == ["tag: received 404", "engine: broke off"]
    assert run.skipped == ["mount"]
    assert run.reasons == {"mount": "registry returned status 202"}
    assert run.scheme == "bearer"


def test_a_skip_without_a_reason_is_not_taken_for_a_test_switched_off(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(TESTS.replace('disabled="1"', 'disabled="0"'))

    with pytest.raises(AssertionError):
        read_run(tmp_path / "junit.xml")


def test_sections_are_those_of_apis_and_data_only(tmp_path: Path) -> None:
    text = "config:\n  apis:\n    ping: true\napis:\n  Blob delete: Pass\n  Ping: FAIL\ndata:\n  Image: Skip\n"
    (tmp_path / "results.yaml").write_text(text)

    assert read_sections(tmp_path / "results.yaml") == {"Blob delete": "Pass", "Ping": "FAIL", "Image": "Skip"}


def test_an_empty_file_has_no_results(tmp_path: Path) -> None:
    (tmp_path / "results.yaml").write_text("config:\n  registry: x\n")

    with pytest.raises(AssertionError, match="no results"):
        read_sections(tmp_path / "results.yaml")


def test_a_skip_is_allowed_for_one_profile_and_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "allowed.txt").write_text("# why\n1.1 | a/b | not offered\ndev | c | not offered\n")
    (tmp_path / "bare.txt").write_text("1.1 | a/b |\n")

    assert list_allowed(tmp_path / "allowed.txt", "1.1") == ["a/b"]
    with pytest.raises(AssertionError, match="no reason"):
        list_allowed(tmp_path / "bare.txt", "1.1")
