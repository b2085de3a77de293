"""The OCI conformance suite against a started server: every profile, with tokens and with Basic.

What is kept of each run is in reports/conformance-PROFILE-AUTH/: results.yaml, report.html, junit.xml and the
suite's own output.

Source: OCI distribution-spec, `conformance/README.md`.
"""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests import serving
from tests.parts import Parts
from tests.parts.conformance import Conformance
from tests.serving import Account

pytestmark = pytest.mark.part("conformance")

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

PROFILES = {
    "1.0": {
        "Blob anonymous mount", "Blob upload cancel", "Manifest put with tag params", "Referrers", "Sparse Manifests",
        "Tag Param", "Tag Param sha512",
    },
    "1.1": {"Blob upload cancel", "Manifest put with tag params", "Sparse Manifests", "Tag Param", "Tag Param sha512"},
    "dev": {"Sparse Manifests"},
}  # fmt: skip
"""Profile: what the suite itself switches off in it. A manifest whose layers are missing is refused by us anyway."""

LEAST = {"1.0": 850, "1.1": 870, "dev": 1000}
"""Profile: how many results a whole run has at least, so that a run that broke off early is no success."""


@dataclass(frozen=True)
class Target:
    """A server under test.

    Attributes:
        host: `127.0.0.1:PORT`.
        scheme: how it asks clients to sign in: `bearer` or `basic`.
        account: an administrator of the project `conformance`.
    """

    host: str
    scheme: str
    account: Account


@pytest.fixture(scope="module", params=["bearer", "basic"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that challenges with this scheme."""
    scheme: str = request.param
    if not (ROOT / "moorage" / "__main__.py").exists():
        pytest.skip("there is no server yet")
    with serving.serve(tmp_path_factory.mktemp(scheme) / "data", settings={"registry_auth": scheme}) as moorage:
        moorage.create_project("conformance")
        alice = moorage.create_user("alice")
        moorage.add_member("conformance", alice, "admin")
        yield Target(moorage.host, scheme, alice)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_suite_passes(target: Target, parts: Parts, profile: str) -> None:
    reports = ROOT / "reports" / f"conformance-{profile}-{target.scheme}"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    name = f"conformance/v{profile}".replace(".", "-")

    with (reports / "output.txt").open("wb") as output:
        status = subprocess.run(
            [parts.get("conformance", Conformance).program],
            cwd=reports,
            env={
                **{key: value for key, value in os.environ.items() if not key.startswith("OCI_")},
                "OCI_REGISTRY": target.host,
                "OCI_TLS": "disabled",
                "OCI_VERSION": profile,
                "OCI_REPO1": f"{name}/repo1",
                "OCI_REPO2": f"{name}/repo2",
                "OCI_USERNAME": target.account.username,
                "OCI_PASSWORD": target.account.password,
                "OCI_RESULTS_DIR": str(reports),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        ).returncode

    sections = read_sections(reports / "results.yaml")
    assert {name for name, result in sections.items() if result == "Disabled"} == PROFILES[profile]
    assert {result for result in sections.values() if result not in {"Disabled", "Skip"}} == {"Pass"}, sections
    run = read_run(reports / "junit.xml")
    assert not run.failed, "\n".join(run.failed)
    assert run.skipped == list_allowed(profile), run.reasons
    assert run.count >= LEAST[profile]
    assert status == 0
    assert run.scheme == target.scheme, "the suite signed in as it was asked to"


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


def list_allowed(profile: str) -> list[str]:
    """The tests that allowed_skips.txt lets this profile skip."""
    lines = [line for line in (HERE / "allowed_skips.txt").read_text().splitlines() if line and line[0] != "#"]
    rows = [[word.strip() for word in line.split("|")] for line in lines]
    for row in rows:
        assert len(row) == 3, f"not PROFILE | TEST | REASON: {row}"
        assert row[0] in PROFILES, f"no such profile: {row[0]}"
        assert row[2], f"no reason: {row[1]}"
    return sorted(test for at, test, _ in rows if at == profile)
