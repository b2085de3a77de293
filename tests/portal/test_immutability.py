"""Immutable tag rules: made with a count of what they keep, tried on a name, obeyed when tags are deleted."""

import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True


def test_a_rule_is_made_and_keeps_tags(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("fixed")
    pusher.push(images.image("fixed", size_bytes=9_000), "fixed/app:v1.0.0", "fixed/app:main")
    reader.enter("/projects/fixed/policy/immutability", "fixed", moorage.admin)
    reader.see("There is no rule")
    reader.press("Add rule")
    reader.see("Tags matched: 1 of 2. Repositories matched: 1.")
    reader.type("Try a tag", "v9")
    reader.see("v9 would be immutable.")
    reader.type("Try a tag", "main")
    reader.see("main could still be moved.")
    reader.look("immutability.rule")
    reader.press("Save rule")
    reader.see("keeps 1 tag now")
    reader.photograph("immutability.list")
    reader.open("/projects/fixed/repositories/app", "app")
    reader.see("v1.0.0")
    reader.press("Select all on this page")
    reader.press("Delete 2 tags…")
    reader.see("1 of 2 is immutable and stays:")
    reader.see("Immutable by the rule v*")
    reader.keep("tags.delete-refused")
    reader.press("Delete 1 tag", within="dialog")
    reader.see("1 tag moved to the trash")
    reader.page.wait("document.querySelectorAll('tbody tr').length === 1")
    reader.press("Actions for v1.0.0")
    reader.press("Delete tag…")
    reader.see("Tag v1.0.0 can't be deleted: the rule v* makes it immutable.")
    reader.press("Show the rules")
    reader.see_title("fixed")
    reader.open("/projects/fixed/policy/immutability", "fixed")  # without what can still be undone on that page
    reader.press("Actions for rule 1")
    reader.press("Turn rule off")
    reader.see("Off")
    reader.press("Actions for rule 1")
    reader.press("Remove rule")
    reader.see("There is no rule")
    reader.press("Undo")
    reader.page.wait("!document.body.innerText.includes('There is no rule')")
    reader.see("Off")
