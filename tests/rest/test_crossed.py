"""Two projects crossed: whoever rules one gets at nothing of the other through any name or id in a path.

Each built operation of the contract with a parameter in its path is asked by the administrator of one project with
every mixture of own and foreign values, and with values that nothing has. No answer may be a success, and both
projects are the same afterwards. Source: OWASP API Security, "Broken Object Level Authorization".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from moorage.api.contract import OPERATIONS, Operation
from moorage.api.routes import BUILT
from moorage.api.unbuilt import NUMBERS, unbuilt
from tests.rest.conftest import Caller
from tests.rest.recipes import RECIPES, Place, Recipe, make_place
from tests.serving import Moorage

PARENTS = frozenset({"project_name", "project_name_or_id"})
SHARED = frozenset({"meta_name", "addition", "job_type"})
"""Parameters whose values are the same in every project."""

MAKES = frozenset({("CopyArtifact", "repository_name")})
"""Operation and parameter: a name that it makes in the caller's own project."""

BODIES: dict[str, Any] = {"setCliSecret": {"secret": "Passw0rd-of-mine"}}
"""What operations without a recipe are sent, so that they come to look at the path."""

LATER = {one.id for one in unbuilt(BUILT)}
ASKED = [
    one
    for one in OPERATIONS
    if one.id not in LATER and set(re.findall(r"\{(\w+)\}", one.path)) - SHARED and one.needs.level != "public"
]
NUMBERS_OF_NOTHING = ("0", "-1", str(2**63), "9" * 40, "1;2", "1%2C2", "0x1", "999999")
NAMES_OF_NOTHING = ("0", "-1", str(2**63), "1;2", "%27", "..%2F..%2Fadmin", "x" * 300)
REFUSED = {400, 403, 404}


class Crossed:
    """An own project and a foreign one."""

    def __init__(self, admin: Caller, moorage: Moorage) -> None:
        self._admin = admin
        mine, theirs = moorage.create_user("mine"), moorage.create_user("theirs")
        self.me = Caller(moorage, mine)
        self.own = make_place(admin, {"project_admin": mine})
        self.foreign = make_place(admin, {"project_admin": theirs}, word="-b")

    def ask(self, one: Operation, values: Mapping[str, str]) -> int:
        """The status of one request with these values in its path."""
        recipe = RECIPES.get(one.id, Recipe())
        ids = {**self.own.ids, "digest": "sha256:" + "0" * 64, **recipe.path(self.own), **values}
        target = one.path.replace("{", "{0[").replace("}", "]}").format(ids)
        query = recipe.query.format(**self.own.ids)
        body = BODIES[one.id] if one.id in BODIES else recipe.body(self.own)
        return self.me.send(one.method, f"{target}?{query}" if query else target, body).status_code

    def look(self) -> list[Any]:
        """All that is in both projects, as the system's administrator sees it."""
        return [self._admin.send("GET", path).json() for place in (self.own, self.foreign) for path in _things(place)]


def _things(place: Place) -> Iterator[str]:
    ids = place.ids
    project = f"/projects/{ids['project_name']}"
    yield from (project, f"{project}/members", f"{project}/immutabletagrules", f"{project}/repositories")
    artifacts = f"{project}/repositories/{ids['repository_name']}/artifacts"
    yield from (f"{artifacts}?with_tag=true&with_label=true", f"/robots/{ids['robot_id']}", f"/quotas/{ids['id']}")
    yield from (f"/labels?scope=p&project_id={ids['project_id']}", f"/users/{ids['user_id']}")
    yield from (f"/retentions/{ids['retention_id']}", f"/retentions/{ids['retention_id']}/executions")
    yield from (f"/usergroups/{ids['group_id']}", f"/projects/{ids['empty_project']}")


def _mixtures(one: Operation, foreign: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Paths that lead to nothing of the caller's."""
    names = [name for name in re.findall(r"\{(\w+)\}", one.path) if name not in SHARED]
    yield {name: foreign[name] for name in names if name in foreign}
    for name in names:
        if (one.id, name) in MAKES:
            continue
        if name in foreign:
            yield {name: foreign[name]}
        if name == "project_name_or_id":
            yield {name: foreign["project_id"]}
        for value in NUMBERS_OF_NOTHING if name in NUMBERS else NAMES_OF_NOTHING:
            yield {name: value}


@pytest.fixture(scope="module")
def crossed(admin: Caller, moorage: Moorage) -> Crossed:
    """Both projects."""
    return Crossed(admin, moorage)


@pytest.mark.parametrize("one", ASKED, ids=lambda one: str(one.id))
def test_no_mixture_of_own_and_foreign_gets_at_anything(one: Operation, crossed: Crossed) -> None:
    before = crossed.look()
    theirs = {**crossed.foreign.ids, **RECIPES.get(one.id, Recipe()).path(crossed.foreign)}
    answered = [(values, crossed.ask(one, values)) for values in _mixtures(one, theirs)]
    assert len(answered) >= len(NAMES_OF_NOTHING)
    assert [(values, status) for values, status in answered if status not in REFUSED] == []
    assert crossed.look() == before


def test_nothing_is_copied_out_of_a_foreign_project(crossed: Crossed) -> None:
    before, ids = crossed.look(), crossed.foreign.ids
    for reference in (f"%40{ids['digest']}", f":{ids['tag_name']}", ":nothing"):
        source = f"{ids['project_name']}/{ids['repository_name']}{reference}"
        target = f"/projects/{crossed.own.ids['project_name']}/repositories/stolen/artifacts?from={source}"
        assert crossed.me.send("POST", target).status_code in REFUSED
    assert crossed.look() == before


def test_what_is_looked_at_is_there(crossed: Crossed) -> None:
    """Else nothing could be seen to change."""
    for seen in crossed.look():
        assert seen
        assert "errors" not in seen


def test_a_project_whose_name_is_the_number_of_another_opens_only_itself(admin: Caller, crossed: Crossed) -> None:
    number = crossed.foreign.ids["project_id"]
    name = number.zfill(6)
    crossed.me.make("/projects", {"project_name": name})
    for path in ("", "/members", "/summary", "/immutabletagrules"):
        assert crossed.me.send("GET", f"/projects/{name}{path}").status_code == 403, path
        named = crossed.me.send("GET", f"/projects/{name}{path}", headers={"X-Is-Resource-Name": "true"})
        assert named.status_code == 200, path
    found = admin.send("GET", f"/projects/{name}").json()
    assert found["name"] == crossed.foreign.ids["project_name"]
