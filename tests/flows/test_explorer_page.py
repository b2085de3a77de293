"""The page that shows the REST API, in Chromium: it loads without a network, filters, and sends what people try."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import serving
from tests.parts import Parts
from tests.parts.chromium import Chromium, Page
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium")
SHOWN = "document.querySelectorAll('.operation:not([hidden])').length"


@pytest.fixture(scope="module")
def moorage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """A server for these tests."""
    with serving.serve(tmp_path_factory.mktemp("explorer") / "data") as started:
        yield started


@pytest.fixture
def page(parts: Parts, moorage: Moorage) -> Iterator[Page]:
    """The page, loaded; at the end nothing may have gone wrong, and nobody else been asked for anything."""
    with parts.get("chromium", Chromium).page() as made:
        made.open(f"{moorage.url}/devcenter-api-2.0")
        made.wait(f"{SHOWN} > 200")
        yield made
        assert made.complaints() == []
        assert [url for url in made.requested() if not url.startswith((moorage.url, "blob:"))] == []


def sign_in(page: Page, moorage: Moorage) -> None:
    """Type the administrator's name and password."""
    page.click("#who")
    page.wait("document.querySelector('#sign').open")
    page.fill("#username", moorage.admin.username)
    page.fill("#password", moorage.admin.password)
    page.click("#sign-form [type=submit]")
    page.wait("document.querySelector('#who').textContent === 'As admin'")


def try_it(page: Page, operation: str, body: str = "", **values: str) -> str:
    """Open an operation, fill its form, send it; the status."""
    inside = f"#{operation}"
    if not page.value(f"document.querySelector('{inside} .inside')"):
        page.click(f"{inside} .row")
    page.wait(f"document.querySelector('{inside} .try')")
    for name, value in values.items():
        page.fill(f"{inside} [name={name}]", value)
    if body:
        page.fill(f"{inside} textarea", body)
    page.value(f"document.querySelector('{inside} .result').replaceChildren()")
    page.click(f"{inside} .try [type=submit]")
    page.wait(f"document.querySelector('{inside} .outcome')")
    status: str = page.value(f"document.querySelector('{inside} .outcome .status').textContent")
    return status


def test_it_is_filtered_by_words_subjects_and_state(page: Page) -> None:
    whole = page.value(SHOWN)
    page.press("/", text="/", code=191)
    page.wait("document.activeElement.id === 'search'")
    page.fill("#search", "robot secret")
    page.wait(f"0 < {SHOWN} && {SHOWN} < 10")
    page.fill("#search", "no such words")
    page.wait(f"{SHOWN} === 0 && !document.querySelector('#nothing').hidden")
    page.fill("#search", "")
    page.click("#tags [data-tag=quota]")
    page.wait(f"{SHOWN} === 3 && document.querySelector('#count').textContent === '3 of {whole} operations'")
    page.click("#tags [data-tag='']")
    page.value("document.querySelector('[name=shown][value=ours]').click()")
    page.wait(f"0 < {SHOWN} && {SHOWN} < {whole}")
    page.wait("[...document.querySelectorAll('.operation:not([hidden])')].every((one) => /ours/.test(one.textContent))")


def test_an_operation_shows_what_it_takes_and_answers_and_has_an_address(page: Page, moorage: Moorage) -> None:
    page.open(f"{moorage.url}/api/v2.0/explorer#listArtifacts")
    page.wait("document.querySelector('#listArtifacts .try')")
    text = page.value("document.querySelector('#listArtifacts').innerText")
    for word in (
        "with_label",
        "artifact:list in the project",
        "array of Artifact",
        "X-Total-Count",
        '"digest": "sha256:',
    ):
        assert word in text
    assert "[object" not in page.value("document.body.innerText")
    # Each third: of more addresses in a moment the browser would complain.
    page.value("[...document.querySelectorAll('.row')].forEach((one, index) => { if (index % 3 === 0) one.click(); })")
    assert "[object" not in page.value("document.body.innerText")


def test_a_request_is_sent_with_what_was_typed_and_that_is_kept_nowhere(page: Page, moorage: Moorage) -> None:
    assert page.value("document.querySelector('#who').textContent") == "Nobody signed in"
    sign_in(page, moorage)

    body = '{"project_name": "from-the-page"}'
    assert try_it(page, "createProject", body) == "201"
    assert try_it(page, "getProject", project_name_or_id="from-the-page") == "200"
    assert '"name": "from-the-page"' in page.value("document.querySelector('#getProject .result pre').textContent")
    assert try_it(page, "getPing") == "200"
    kept = page.value("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])")
    assert moorage.admin.password not in kept
    assert moorage.admin.password not in page.value("document.documentElement.outerHTML")
    page.open(f"{moorage.url}/api/v2.0/explorer?again")
    page.wait(f"{SHOWN} > 200")
    assert page.value("document.querySelector('#who').textContent") == "Nobody signed in"


def test_a_name_with_a_slash_reaches_its_repository(page: Page, moorage: Moorage) -> None:
    sign_in(page, moorage)
    page.value("window.seen = performance.getEntriesByType('resource').length")
    page.click("#getRepository .row")
    page.wait("document.querySelector('#getRepository .try')")
    page.fill("#getRepository [name=project_name]", "library")
    page.fill("#getRepository [name=repository_name]", "a/b")
    copied = page.value(
        "(async () => { let text = ''; navigator.clipboard.writeText = async (given) => { text = given; };"
        " document.querySelector('#getRepository .actions .small').click(); await null; return text; })()"
    )
    assert copied == f"curl -u 'admin' '{moorage.url}/api/v2.0/projects/library/repositories/a%2Fb'"


def test_a_session_sends_its_token_along(page: Page, moorage: Moorage) -> None:
    login = f"new URLSearchParams({{principal: 'admin', password: '{moorage.admin.password}'}})"
    sent = f"fetch('/c/login', {{method: 'POST', body: {login}}}).then((answer) => answer.status)"
    assert page.value(sent) == 200
    page.open(f"{moorage.url}/api/v2.0/explorer?signed-in")
    page.wait(f"{SHOWN} > 200 && document.querySelector('#who').textContent === 'As admin'")

    assert try_it(page, "createProject", '{"project_name": "by-session"}') == "201"
    assert try_it(page, "deleteProject", project_name_or_id="by-session") == "200"


def test_what_is_required_is_asked_for_before_anything_is_sent(page: Page) -> None:
    page.click("#getProject .row")
    page.wait("document.querySelector('#getProject .try')")
    before = len(page.requested())
    page.click("#getProject .try [type=submit]")
    page.wait("document.querySelector('#getProject .wrong')")
    assert page.value("document.activeElement.name") == "project_name_or_id"
    assert len(page.requested()) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_both_themes_and_on_a_phone(page: Page, scheme: str, tmp_path: Path) -> None:
    page.prefer(scheme)
    light = page.value("getComputedStyle(document.body).backgroundColor")
    assert light == {"light": "rgb(246, 247, 249)", "dark": "rgb(15, 19, 24)"}[scheme]
    page.click("#theme")
    page.wait(f"getComputedStyle(document.body).backgroundColor !== '{light}'")
    page.resize(390, 800)
    page.click("#createProject .row")
    page.wait("document.querySelector('#createProject .try')")
    assert page.value("document.documentElement.scrollWidth") <= 390
    page.photograph(tmp_path / "phone.png")
    assert (tmp_path / "phone.png").stat().st_size > 10_000


def test_it_is_worked_by_keyboard(page: Page) -> None:
    page.value("document.querySelector('#getPing .row').focus()")
    page.press("Enter", text="\r", code=13)
    page.wait("document.querySelector('#getPing .try')")
    assert page.value("document.querySelector('#getPing .row').getAttribute('aria-expanded')") == "true"
    page.value("document.querySelector('#getPing .try [type=submit]').focus()")
    page.press("Enter", text="\r", code=13)
    page.wait("document.querySelector('#getPing .outcome')")
    page.value("document.querySelector('#who').click()")
    page.press("Escape", code=27)
    page.wait("!document.querySelector('#sign').open")


def test_a_body_begins_with_what_is_needed(page: Page) -> None:
    for operation, body in (
        ("createProject", {"project_name": "team"}),
        ("createUser", {"email": "ann@example.org", "realname": "example", "password": "Example-1", "username": "ann"}),
        ("updateConfigurations", {}),
    ):
        page.click(f"#{operation} .row")
        page.wait(f"document.querySelector('#{operation} .try')")
        assert page.value(f"JSON.parse(document.querySelector('#{operation} textarea').value)") == body
    told = page.value("document.querySelector('#updateConfigurations').innerText")
    assert re.search(r"token_expiration\s+integer\s+optional\s+from 1, to 9999999999\s+Minutes that", told), told
