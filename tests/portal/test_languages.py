"""The languages: chosen in the menu, at once and for the next visit; nothing is cut off where words are longer."""

import pytest

from tests.portal.conftest import LANGUAGES, NARROW, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal")
SHARED = True


def test_nothing_is_cut_off_where_words_are_longer(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/projects", "Projects", moorage.admin)
    reader.page.resize(*NARROW)
    reader.open("/admin/audit", "Audit")
    for language in LANGUAGES:
        reader.hear(language)
        assert reader.cut() == [], language
    reader.speak("ja-JP")  # of the next visit
    reader.open("/admin/audit")
    reader.page.wait("document.documentElement.lang === 'ja-JP' && document.querySelector('h1')")


def test_a_language_is_chosen_in_the_menu_at_once_and_for_the_next_visit(reader: Reader, moorage: Moorage) -> None:
    walter = moorage.create_user("walter")  # of this test alone: what somebody prefers is kept with the account
    reader.enter("/projects", "Projects", walter)
    reader.press(walter.username)
    reader.press("Deutsch", role="menuitemradio")
    reader.see_title("Projekte")
    kept = "fetch('/api/v2.0/users/current/preferences').then((one) => one.json())"
    reader.page.wait(f"{kept}.then((one) => one.language === 'de-DE')")
    reader.open("/projects", "Projekte")
    assert reader.page.value("document.documentElement.lang") == "de-DE"
