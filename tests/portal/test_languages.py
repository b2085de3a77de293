"""The languages: chosen in the menu, at once and for the next visit; nothing is cut off where words are longer."""

import json

import pytest

from tests.portal.conftest import NARROW, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal")

OTHERS = ("es-ES", "fr-FR", "ja-JP", "ko-KR", "pt-BR", "ru-RU", "tr-TR", "zh-TW")
"""Languages that test_pages.py opens every page in under --deep only."""


def test_nothing_is_cut_off_where_words_are_longer(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/projects", "Projects", moorage.admin)
    reader.page.resize(*NARROW)
    for language in OTHERS:
        reader.speak(language)
        reader.open("/admin/audit")
        reader.page.wait(f"document.documentElement.lang === {json.dumps(language)} && document.querySelector('h1')")
        assert reader.cut() == [], language


def test_a_language_is_chosen_in_the_menu_at_once_and_for_the_next_visit(reader: Reader, moorage: Moorage) -> None:
    walter = moorage.create_user("walter")  # of this test alone: what somebody prefers is kept with the account
    reader.enter("/projects", "Projects", walter)
    reader.press(walter.username)
    reader.press("Deutsch", role="menuitem")
    reader.see_title("Projekte")
    kept = "fetch('/api/v2.0/users/current/preferences').then((one) => one.json())"
    reader.page.wait(f"{kept}.then((one) => one.language === 'de-DE')")
    reader.open("/projects", "Projekte")
    assert reader.page.value("document.documentElement.lang") == "de-DE"
