"""helm: charts in a registry."""

import re
from pathlib import Path

import pytest

from tests.clients import images
from tests.clients.client import Client, Setting
from tests.parts import Parts
from tests.parts.helm import Helm
from tests.serving import Account

pytestmark = pytest.mark.part("helm")

PLAIN = "--plain-http"


class Charts(Client):
    """A helm command."""

    def login(self, account: Account) -> None:
        """Sign in."""
        words = ("registry", "login", PLAIN, "--username", account.username, "--password-stdin", self.host)
        assert "Login Succeeded" in self.output_of(*words, given=account.password)

    def output_of(self, *words: str, given: str) -> str:
        """Run a command that has to succeed; all it printed."""
        done = self._run(words, given, None)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def package(self, version: str = "0.1.0") -> Path:
        """A chart to push."""
        chart = images.write_chart(self.folder / version, version=version)
        self.run("package", chart, "--destination", self.folder)
        return self.folder / f"quay-wall-{version}.tgz"

    def push(self, package: Path, where: str) -> str:
        """Push a chart; its digest."""
        found = re.search(r"Digest: (sha256:[0-9a-f]{64})", self.output("push", PLAIN, package, f"oci://{where}"))
        assert found
        return found[1]


@pytest.fixture
def helm(parts: Parts, setting: Setting, alice: Account) -> Charts:
    part = parts.get("helm", Helm)
    home = setting.folder / "helm"
    client = Charts(
        setting,
        part,
        part.program,
        environment={f"HELM_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")},
    )
    client.login(alice)
    return client


def test_a_wrong_password_is_refused(helm: Charts, carol: Account) -> None:
    said = helm.refuses(
        *("registry", "login", PLAIN, "--username", carol.username, "--password-stdin", helm.host), given="wrong"
    )

    assert re.search(r"401|unauthorized", said, re.IGNORECASE), said


def test_a_chart_comes_back_as_it_was_pushed(helm: Charts, repository: str) -> None:
    package = helm.package()
    where = f"{helm.host}/{repository}"
    digest = helm.push(package, where)
    back = helm.folder / "back"
    back.mkdir()

    said = helm.output("pull", PLAIN, f"oci://{where}/quay-wall", "--version", "0.1.0", "--destination", back)

    assert (back / package.name).read_bytes() == package.read_bytes()
    assert digest in said


def test_the_newest_version_in_a_range_is_found_by_its_tags(helm: Charts, repository: str) -> None:
    where = f"{helm.host}/{repository}"
    for version in ("0.1.0", "0.2.0", "0.10.0", "1.0.0"):
        helm.push(helm.package(version), where)

    shown = helm.run("show", "chart", PLAIN, f"oci://{where}/quay-wall", "--version", "^0")

    assert "version: 0.10.0" in shown


def test_a_plus_in_a_version_becomes_an_underscore_and_back(helm: Charts, repository: str) -> None:
    where = f"{helm.host}/{repository}"
    helm.push(helm.package("0.1.0+build.5"), where)

    shown = helm.run("show", "chart", PLAIN, f"oci://{where}/quay-wall", "--version", "0.1.0+build.5")

    assert "version: 0.1.0+build.5" in shown


def test_a_chart_is_rendered_straight_from_the_registry(helm: Charts, repository: str) -> None:
    where = f"{helm.host}/{repository}"
    helm.push(helm.package(), where)

    rendered = helm.run("template", "here", PLAIN, f"oci://{where}/quay-wall", "--set", "replicas=3")

    assert 'replicas: "3"' in rendered


def test_after_logout_nothing_is_pushed_or_pulled(helm: Charts, repository: str) -> None:
    package, where = helm.package(), f"{helm.host}/{repository}"
    helm.push(package, where)
    helm.run("registry", "logout", helm.host)

    pulled = helm.refuses("pull", PLAIN, f"oci://{where}/quay-wall", "--version", "0.1.0")
    pushed = helm.refuses("push", PLAIN, package, f"oci://{where}")

    for said in (pulled, pushed):
        assert re.search(r"401|unauthorized|denied|basic credential not found", said, re.IGNORECASE), said
