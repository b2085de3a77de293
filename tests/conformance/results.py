"""Reading what the conformance suite wrote, and what it may skip."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET


def read_sections(path: Path) -> dict[str, str]:
    """The results of the suite's sections, from the parts `apis` and `data` of results.yaml.

    Shape: {"Blob delete": "Pass", …}; the file is YAML of the simplest kind, two levels of `name: value`.
    """
    found: dict[str, str] = {}
    inside = False
    for line in path.read_text().splitlines():
        if not line.startswith(" "):
            inside = line in {"apis:", "data:"}
        elif inside:
            name, _, result = line.strip().partition(": ")
            found[name] = result
    assert found, f"no results in {path}"
    return found


@dataclass(frozen=True)
class Run:
    """What junit.xml says of a run.

    Attributes:
        count: how many results, sections included.
        failed: the tests that failed, with what the suite found.
        skipped: the tests that were skipped though the profile has them.
        reasons: why, as the suite says it.
        scheme: how its requests were signed: `basic` or `bearer`.
    """

    count: int
    failed: list[str]
    skipped: list[str]
    reasons: dict[str, str]
    scheme: str


def read_run(path: Path) -> Run:
    """Read junit.xml, which has each single test; results.yaml only has sections, where a pass covers a skip."""
    suite = next(ET.parse(path).iter("testsuite"))  # noqa: S314 - written by the suite just now
    failed: list[str] = []
    reasons: dict[str, str] = {}
    off = 0
    schemes: Counter[str] = Counter()
    for test in suite.iter("testcase"):
        name, said = str(test.get("name")).removeprefix("OCI Conformance Test/"), test.findtext("system-out") or ""
        talked = test.findtext("system-err") or ""
        schemes.update({scheme: talked.count(f"Authorization: [{scheme.title()}") for scheme in ("basic", "bearer")})
        if test.get("status") == "skipped" and said:
            reasons[name] = said
        elif test.get("status") == "skipped":
            off += 1
        elif test.get("status") != "passed":
            failed.append(f"{name}: {said}")
    # A test that the profile switches off is told from one that the registry made it skip by its silence alone.
    assert off == int(suite.get("disabled", "0"))
    return Run(int(suite.get("tests", "0")), failed, sorted(reasons), reasons, schemes.most_common(1)[0][0])


def list_allowed(path: Path, profile: str) -> list[str]:
    """The tests that a file like allowed_skips.txt lets this profile skip."""
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    rows = [[word.strip() for word in line.split("|")] for line in lines]
    for row in rows:
        assert len(row) == 3, f"not PROFILE | TEST | REASON: {row}"
        assert row[2], f"no reason: {row[1]}"
    return sorted(test for at, test, _ in rows if at == profile)
