"""The languages: chosen in the menu, at once and for the next visit; nothing is cut off where words are longer."""

import json

import pytest

from tests.clients import images
from tests.portal.conftest import NARROW, WIDE, Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True

WORDIEST = "de-DE"
OTHERS = ("es-ES", "fr-FR", "ja-JP", "ko-KR", "pt-BR", "ru-RU", "tr-TR", "zh-TW")


def test_nothing_is_cut_off_where_words_are_longer(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("words", public=True)
    moorage.add_member("words", moorage.create_user("wanda"), "guest")
    pusher.push(images.image("words", size_bytes=9_000), "words/app:1.0.0")
    reader.enter("/projects", "Projects", moorage.admin)
    reader.speak(WORDIEST)
    for path in ("/projects/words/members", "/projects/words/repositories/app", "/admin/audit"):
        whole(reader, path, WORDIEST, WIDE, NARROW)
        reader.photograph(path.strip("/").replace("/", "-"), language=WORDIEST, width=NARROW[0])
    for language in OTHERS:
        reader.speak(language)
        whole(reader, "/admin/audit", language, NARROW)


def test_a_language_is_chosen_in_the_menu_at_once_and_for_the_next_visit(reader: Reader, moorage: Moorage) -> None:
    walter = moorage.create_user("walter")  # of this test alone: what somebody prefers is kept with the account
    reader.enter("/projects", "Projects", walter)
    reader.press(walter.username)
    reader.press("Deutsch", role="menuitem")
    reader.see_title("Projekte")
    reader.open("/projects", "Projekte")
    assert reader.page.value("document.documentElement.lang") == WORDIEST


def whole(reader: Reader, path: str, language: str, *sizes: tuple[int, int]) -> None:
    """Open a page and find nothing cut off, at these sizes."""
    reader.open(path)
    reader.page.wait(f"document.documentElement.lang === {json.dumps(language)} && document.querySelector('h1')")
    for size in sizes:
        reader.page.resize(*size)
        assert reader.cut() == [], f"{path} in {language} at {size[0]}"
