"""The last of the stories: each operation was used by a page, each state was photographed, or a file says why not.

Runs only where all of tests/portal ran (conftest.py).
"""

from collections.abc import Callable

import pytest

from tests.portal.conftest import ASKED, PICTURES, ROOT
from tests.portal.operations import EXPLAINED, list_operations, read_explained, write_report
from tests.portal.pictures import TABLE, read_cells, read_kept, write_pictures

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")


def test_each_operation_is_used_by_a_page_or_explained(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    asked, explained = request.config.stash[ASKED], read_explained()
    write_report(ROOT / "reports", asked, explained)
    operations = {one.id: one.request for one in list_operations()}
    unused = sorted(set(operations) - set(asked.pages))
    record_property("portal", f"pages use {len(operations) - len(unused)} of {len(operations)} operations")
    for name in sorted(set(explained) & set(asked.pages)):
        pages = ", ".join(sorted(asked.pages[name]))
        record_property("portal", f"{EXPLAINED.name}: {name} is used by {pages}; its line can go")
    assert set(explained) - set(operations) == set(), f"{EXPLAINED.name} names what is no operation"
    if request.session.testsfailed:
        return  # what failed has asked less than it would
    missing = [f"{name} | REASON     ({operations[name]})" for name in unused if not explained.get(name)]
    where = EXPLAINED.relative_to(ROOT)
    assert not missing, (
        "no page asked these while the stories ran. Have a story use the page that does, or say in "
        f"{where} why no page needs it, a line each:\n" + "\n".join(missing)
    )


def test_each_state_of_a_page_is_photographed_or_explained(request: pytest.FixtureRequest, *, deep: bool) -> None:
    cells, kept = read_cells(), read_kept(PICTURES)
    write_pictures(ROOT / "reports", cells, kept, deep=deep)
    assert not [one for one in cells if not one.pictures and not one.reason]
    if request.session.testsfailed:
        return  # what failed has kept less than it would
    missing = [f"{one.page}, {one.state}: {name}" for one in cells for name in one.missing(kept, deep=deep)]
    where = TABLE.relative_to(ROOT)
    assert not missing, f"no story keeps these; have one do it, or say in {where} why not:\n" + "\n".join(missing)
