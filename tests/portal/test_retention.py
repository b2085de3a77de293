"""Retention: a rule with its count of matches, a dry run with the reason for each tag, and exactly that carried out."""

import httpx
import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True


def test_a_dry_run_says_why_and_exactly_it_is_carried_out(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("kept")
    for number in range(3):
        pusher.push(images.image(f"kept-{number}", size_bytes=9_000), f"kept/app:1.{number}.0")
    reader.enter("/projects/kept/policy/retention", "kept", moorage.admin)
    reader.see("There is no rule")
    reader.press("Add rule")
    reader.type("Number", "1")
    reader.see("Tags matched: 3 of 3. Repositories matched: 1.")
    reader.look("retention.rule")
    reader.press("Save rule")
    reader.see("Keep the artifact that was pushed last")
    reader.press("Dry run")
    reader.see("Would delete", seconds=30)
    reader.page.wait("document.querySelectorAll('tbody tr').length === 3", seconds=30)
    reader.see("Done")
    reader.see("This run would delete 2 of 3 artifacts.")
    reader.see("Rule 1: keeps it, number 1 in its order")
    reader.press("Details of 1.0.0")
    reader.see("Rule 1: does not keep it, number 3 in its order")
    reader.look("retention.dry-run")
    reader.press("Run exactly this…")
    reader.press("Run exactly this", within="dialog")
    deleted = "[...document.querySelectorAll('td')].filter((one) => one.textContent === 'Deleted').length === 2"
    reader.page.wait(deleted, seconds=30)
    reader.open("/projects/kept/repositories/app", "app")
    reader.see("1.2.0")
    assert not reader.sees("1.1.0")


def test_a_rule_is_changed_and_a_run_that_has_not_begun_is_stopped(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("halted")
    reader.enter("/projects/halted/policy/retention", "halted", moorage.admin)
    reader.press("Add rule")
    reader.type("Number", "1")
    reader.press("Save rule")
    reader.see("Keep the artifact that was pushed last")
    reader.press("Actions for rule 1")
    reader.press("Edit rule")
    reader.type("Number", "7")
    reader.press("Save rule")
    reader.see("Keep the 7 artifacts that were pushed last")
    queue = f"{moorage.url}/api/v2.0/jobservice/queues/RETENTION"
    account = (moorage.admin.username, moorage.admin.password)
    assert httpx.put(queue, json={"action": "pause"}, auth=account, timeout=60).status_code == 200
    try:
        reader.press("Dry run")
        reader.see("Running")
        reader.keep("retention.running")
        reader.press("Stop")
        reader.see("Stopped")
        reader.page.wait("[...document.querySelectorAll('button')].every((one) => one.textContent !== 'Stop')")
    finally:
        assert httpx.put(queue, json={"action": "resume"}, auth=account, timeout=60).status_code == 200
