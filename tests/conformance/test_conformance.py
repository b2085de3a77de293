"""The OCI conformance suite against a started server: every profile, with tokens and with Basic.

What is kept of each run is in reports/conformance-PROFILE-AUTH/: results.yaml, report.html, junit.xml and the
suite's own output.

Source: OCI distribution-spec, `conformance/README.md`.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import serving
from tests.conformance.results import list_allowed, read_run, read_sections
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

LEAST = {"1.0": 850, "1.1": 850, "dev": 975}
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
    assert run.skipped == list_allowed(HERE / "allowed_skips.txt", profile), run.reasons
    assert run.count >= LEAST[profile]
    assert status == 0
    assert run.scheme == target.scheme, "the suite signed in as it was asked to"
