"""Two projects crossed: whoever rules one gets at nothing of the other through any name or id in a path.

Each built operation with a parameter in its path, the contract's and ours, is asked by the administrator of one
project with every mixture of own and foreign values, and with values that nothing has. No answer may be a success, and
both projects are the same afterwards. Source: OWASP API Security, "Broken Object Level Authorization".
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from moorage.access.required_permission import Needs
from moorage.api.routes import BUILT
from moorage.api.unimplemented import contract_path
from tests.rest.conftest import Caller
from tests.rest.recipes import RECIPES, Ids, Place, Recipe, make_place
from tests.serving import Moorage

PARENTS = frozenset({"project_name", "project_name_or_id"})
SHARED = frozenset({"meta_name", "addition", "job_type"})
"""Parameters whose values are the same in every project."""

MAKES = frozenset({("CopyArtifact", "repository_name"), ("pointTag", "tag_name")})
"""Operation and parameter: a name that it makes in the caller's own project."""

NOTED_LATER = frozenset({"last_push_time", "last_pull_time", "last_used", "latency", "status_time"})


class Route(NamedTuple):
    """One built operation.

    Attributes:
        numbers: the parameters of its path that are no text.
        changes: not only reads.
    """

    id: str
    method: str
    path: str
    needs: Needs
    numbers: frozenset[str]
    changes: bool


def _routes() -> Iterator[Route]:
    for handler in BUILT:
        (path,), methods = handler.paths, {str(one) for one in handler.http_methods}
        numbers = frozenset(re.findall(r"\{(\w+):int\}", path))
        changes = bool(methods & {"POST", "PUT", "PATCH", "DELETE"}) and not handler.opt["reads"]
        yield Route(
            str(handler.operation_id), min(methods), contract_path(path), handler.opt["needs"], numbers, changes
        )


def _selector(_: Place) -> dict[str, Any]:
    pattern = {"kind": "doublestar", "pattern": "**"}
    return {"repository": {**pattern, "decoration": "repoMatches"}, "tag": {**pattern, "decoration": "matches"}}


OURS = {
    "setCliSecret": Recipe(body=lambda _: {"secret": "Passw0rd-of-mine"}),
    "compareArtifacts": Recipe("from={tag_name}&to={tag_name}"),
    "explain": Recipe("principal=user:{username}&action=pull&repository={repository_name}"),
    "measureArtifacts": Recipe(body=lambda place: {"references": [place.ids["reference"]]}),
    "pointTag": Recipe(body=lambda place: {"digest": place.ids["digest"]}),
    "previewArtifactsDeletion": Recipe(body=lambda place: {"references": [place.ids["reference"]]}),
    "previewTagDeletion": Recipe(body=lambda place: {"tags": [place.ids["tag_name"]]}),
    "matchSelectors": Recipe(body=_selector),
    "getTrash": Recipe(path=lambda place: {"id": place.ids["trash_id"]}),
    "restoreTrash": Recipe(path=lambda place: {"id": place.ids["trash_id"]}, body=lambda _: {}),
    "purgeTrash": Recipe(path=lambda place: {"id": place.ids["trash_id"]}),
    "stopWork": Recipe(path=lambda place: {"execution_id": place.ids["retention_run"]}),
    "listRetentionVerdicts": Recipe(
        path=lambda place: {"id": place.ids["retention_id"], "eid": place.ids["retention_run"]}
    ),
}
"""What is sent beside the recipes of the contract walk, so that it comes to look at the path."""

RECIPE = {**RECIPES, **OURS}
ASKED = [one for one in _routes() if set(re.findall(r"\{(\w+)\}", one.path)) - SHARED and one.needs.level != "public"]
ABOVE = {"listProjectMetadatas": "no role may", "getUser": "somebody else", "getUserGroup": "of the system"}
"""Reads beside those of the system that the administrator of a project may not do."""

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
        self.own = _add(self.own, self.me)
        self.foreign = _add(self.foreign, Caller(moorage, theirs))
        self._seen: list[Any] = []

    def ask(self, one: Route, values: Mapping[str, str]) -> int:
        """The status of one request with these values in its path."""
        recipe = RECIPE.get(one.id, Recipe())
        ids = {**self.own.ids, "digest": "sha256:" + "0" * 64, **recipe.path(self.own), **values}
        target = one.path.replace("{", "{0[").replace("}", "]}").format(ids)
        query = recipe.query.format(**self.own.ids)
        return self.me.send(one.method, f"{target}?{query}" if query else target, recipe.body(self.own)).status_code

    def look(self) -> list[Any]:
        """All that is in both projects, as the system's administrator sees it."""
        seen = [
            (path, self._admin.send("GET", path).json()) for one in (self.own, self.foreign) for path in _things(one)
        ]
        # a delivery that nobody takes is tried again meanwhile
        self._seen = [
            [one["id"] for one in what] if path.endswith("/deliveries") else _but_uses(what) for path, what in seen
        ]
        return self._seen

    def seen(self) -> list[Any]:
        """What the last look saw: no test here may change any of it, so it is what there was before this one, too."""
        return self._seen or self.look()


def _but_uses(what: Any) -> Any:
    """An answer without what the server notes some seconds after something was used, or looked at by itself."""
    if isinstance(what, list):
        return [_but_uses(one) for one in what]
    if isinstance(what, dict):
        return {name: _but_uses(one) for name, one in what.items() if name not in NOTED_LATER}
    return what


def _add(place: Place, owner: Caller) -> Place:
    """More of everything: something in the trash, an access token, a delivery of a webhook."""
    ids = Ids(place.ids, place.ids.late)
    assert ids["retention_run"]
    tags = "/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags".format(**ids)
    owner.make(tags, {"name": "gone"})
    assert owner.send("DELETE", f"{tags}/gone").status_code == 200
    (thrown,) = owner.send("GET", f"/projects/{ids['project_name']}/trash").json()
    policy = f"/projects/{ids['project_name']}/webhook/policies/{ids['webhook_policy_id']}"
    delivery = owner.send("GET", f"{policy}/deliveries").json()[0]
    token = owner.make("/users/current/tokens", {"name": "own", "scopes": ["pull"]})
    ids |= {"trash_id": str(thrown["id"]), "delivery_id": str(delivery["id"]), "token_id": token}
    return dataclasses.replace(place, ids=ids)


def _things(place: Place) -> Iterator[str]:
    ids = place.ids
    project = f"/projects/{ids['project_name']}"
    yield from (project, f"{project}/members", f"{project}/immutabletagrules", f"{project}/repositories")
    artifacts = f"{project}/repositories/{ids['repository_name']}/artifacts"
    yield from (f"{artifacts}?with_tag=true&with_label=true", f"/robots/{ids['robot_id']}", f"/quotas/{ids['id']}")
    yield from (f"/labels?scope=p&project_id={ids['project_id']}", f"/users/{ids['user_id']}")
    yield from (f"/retentions/{ids['retention_id']}", f"/retentions/{ids['retention_id']}/executions")
    yield from (f"/usergroups/{ids['group_id']}", f"/projects/{ids['empty_project']}", f"{project}/trash")
    policies = f"{project}/webhook/policies"
    yield from (policies, f"{policies}/{ids['webhook_policy_id']}/deliveries", f"/registries/{ids['registry_id']}")


def _mixtures(one: Route, foreign: Mapping[str, str]) -> Iterator[dict[str, str]]:
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
        for value in NUMBERS_OF_NOTHING if name in one.numbers else NAMES_OF_NOTHING:
            yield {name: value}


@pytest.fixture(scope="module")
def crossed(admin: Caller, moorage: Moorage) -> Crossed:
    """Both projects."""
    return Crossed(admin, moorage)


@pytest.mark.parametrize("one", ASKED, ids=lambda one: str(one.id))
def test_no_mixture_of_own_and_foreign_gets_at_anything(one: Route, crossed: Crossed) -> None:
    before = crossed.seen()
    theirs = {**crossed.foreign.ids, **RECIPE.get(one.id, Recipe()).path(crossed.foreign)}
    answered = [(values, crossed.ask(one, values)) for values in _mixtures(one, theirs)]
    assert len(answered) >= len(NAMES_OF_NOTHING)
    assert [(values, status) for values, status in answered if status not in REFUSED] == []
    assert crossed.look() == before


def test_nothing_is_copied_out_of_a_foreign_project(crossed: Crossed) -> None:
    before, ids = crossed.seen(), crossed.foreign.ids
    for reference in (f"%40{ids['digest']}", f":{ids['tag_name']}", ":nothing"):
        source = f"{ids['project_name']}/{ids['repository_name']}{reference}"
        target = f"/projects/{crossed.own.ids['project_name']}/repositories/stolen/artifacts?from={source}"
        assert crossed.me.send("POST", target).status_code in REFUSED
    assert crossed.look() == before


@pytest.mark.parametrize("one", [one for one in ASKED if not one.changes], ids=lambda one: str(one.id))
def test_what_is_ones_own_is_answered(one: Route, crossed: Crossed) -> None:
    """Else a refusal of what is foreign would prove nothing. What needs more than a project is refused as a whole."""
    status = crossed.ask(one, {})
    if one.needs.level == "system" or one.id in ABOVE:
        assert status == 403, one.path
    else:
        assert status < 300, (one.path, status)


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
