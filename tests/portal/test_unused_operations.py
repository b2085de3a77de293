"""The operations that no page uses: each has a reason that stands by itself, and none is asked by a page after all."""

import re

from tests.portal.operations import EXPLAINED, list_operations, read_explained
from tools.portal import PORTAL

SHORTEST = 40
"""Letters of a reason that says what the operation is, and what people use instead."""


def asked_by_pages() -> set[str]:
    """`GET /projects`, as the sources of the portal ask it through `call`."""
    files = (path for path in (PORTAL / "src").rglob("*.ts*") if ".test." not in path.name and path.name != "schema.ts")
    request = re.compile(r'"((?:GET|PUT|POST|PATCH|DELETE|HEAD) /[^"]+)"')
    return {found for path in files for found in request.findall(path.read_text())}


def test_each_line_has_a_reason_of_its_own_and_names_an_operation() -> None:
    lines = [one for one in EXPLAINED.read_text().splitlines() if one and not one.startswith("#")]
    explained = read_explained()
    assert len(explained) == len(lines), "an operation is named twice"
    assert set(explained) <= {one.id for one in list_operations()}
    poor = [name for name, reason in explained.items() if len(reason) < SHORTEST or reason.startswith("as ")]
    assert poor == [], "say what the operation is, and what people use instead"


def test_no_page_asks_what_is_said_to_be_unused() -> None:
    requests = {one.id: one.request for one in list_operations()}
    asked = asked_by_pages()
    assert len(asked) > 150
    assert [name for name in read_explained() if requests[name] in asked] == []


def test_each_operation_is_asked_by_a_page_or_explained() -> None:
    asked, explained = asked_by_pages(), read_explained()
    assert [one.id for one in list_operations() if one.request not in asked and one.id not in explained] == []
