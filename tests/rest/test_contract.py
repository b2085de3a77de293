"""Each built operation of the contract, for each role, against a started server: status, headers and body as it says.

What differs on purpose is in `DEVIATIONS`, and as a row in docs/develop/differences.md. The run leaves
`reports/contract.csv` behind: every operation of the contract with its state.
"""

import csv
import dataclasses
import functools
import itertools
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from moorage.api.contract import OPERATIONS
from moorage.api.routes import BUILT
from moorage.api.unimplemented import unbuilt
from moorage.configuration.validation import TYPES
from tests.rest import contract
from tests.rest.conftest import Caller
from tests.rest.recipes import CONSUMES, ELSEWHERE, RECIPES, ROLES, Place, Recipe, make_place
from tests.serving import ROOT, Account, Moorage

LATER = {one.id for one in unbuilt(BUILT)}
DONE = [one for one in OPERATIONS if one.id not in LATER]
CALLERS = ("anonymous", "stranger", *ROLES, "administrator")
FEW = ("anonymous", "project_admin", "administrator")
"""Who asks on PostgreSQL: roles are decided alike there, statements and what they give are not."""


_MISSING_404 = "what is not there, or may not be known of, is 404 also where the operation does not name it"
_HISTORY = "an addition is what its media type says: the history of an image is JSON, not the text of JSON"
_VALUES = "the value of a setting is a text, a number or a list, as the setting is"
_ATTRIBUTES = "values of `extra_attrs` are what they are in the config, text too"
_BLANK = "an allowlist with an entry that is blank or there twice is 400 also where the operation does not list it"
_UNREADABLE = "a filter or an order that cannot be read is 400 also where the operation does not list it"
DEVIATIONS: dict[tuple[str, str], str] = {("*", "status 404"): _MISSING_404}
DEVIATIONS |= {
    (operation, "status 400"): _UNREADABLE
    for operation in (
        "getGCHistory", "getPurgeHistory", "listQuotas", "listRegistries", "listReplicationExecutions",
        "listReplicationPolicies", "listReplicationTasks", "listRetentionExecutions", "listRetentionTasks",
        "listUserGroups", "listUsers", "searchUserGroups", "searchUsers",
    )
}  # fmt: skip
DEVIATIONS |= {("putSystemCVEAllowlist", "status 400"): _BLANK}
DEVIATIONS |= {("getAddition", "shape "): _HISTORY}
DEVIATIONS |= {
    (operation, f"shape extra_attrs.{name}"): _ATTRIBUTES
    for operation in ("getArtifact", "listArtifacts", "listArtifactsOfProject")
    for name in ("architecture", "created", "os", "author")
}
DEVIATIONS |= {
    ("ListExecutionsOfWebhookPolicy", f"shape extra_attrs.{name}"): _ATTRIBUTES
    for name in ("event_id", "event_type", "type")
}
DEVIATIONS |= {("getInternalconfig", f"shape {name}.value"): _VALUES for name in ("auth_mode", *TYPES)}
"""(operation or `*`, what differs): why. Each reason stands in docs/develop/differences.md, word for word."""


class Walk:
    """The place where the operations are asked; made anew when one of them has changed it."""

    def __init__(self, admin: Caller, people: Mapping[str, Account]) -> None:
        self.admin = admin
        self.people = people
        self._members = {role: people[role] for role in ROLES}
        self.place = make_place(admin, self._members)

    def caller(self, name: str) -> Caller:
        """Somebody."""
        if name == "administrator":
            return self.admin
        return Caller(self.admin.moorage, self.people.get(name))

    def ask(self, operation: str, who: str, recipe: Recipe, **options: Any) -> httpx.Response:
        """One request; where it changed something, the place is made anew afterwards."""
        method, path, _ = contract.operations()[operation]
        self.place = dataclasses.replace(self.place, unused=f"unused{next(_number)}")
        ids = {**self.place.ids, **recipe.path(self.place)}
        query = recipe.query.format(**ids)
        target = path.replace("{", "{0[").replace("}", "]}").format({**_MISSING, **ids})
        answer = self.caller(who).send(
            method, target + (f"?{query}" if query else ""), recipe.body(self.place), **options
        )
        if (method == "DELETE" or operation in CONSUMES) and answer.status_code < 300:
            self.place = make_place(self.admin, self._members)
        return answer


_number = itertools.count(1)


def _always(value: Any, _: Place) -> Any:
    return value


_MISSING = {"task_id": "1", "addition": "build_history"}
_STATES: dict[str, str] = {}


@pytest.fixture(scope="module")
def walk(admin: Caller, moorage: Moorage) -> Walk:
    """The server with its people."""
    return Walk(admin, {name: moorage.create_user(f"role-{name.replace('_', '-')}") for name in ("stranger", *ROLES)})


def _differ(operation: str, answer: httpx.Response) -> dict[str, str]:
    found = contract.deviations(operation, answer)
    return {
        what: seen
        for what, seen in found.items()
        if (operation, what) not in DEVIATIONS and ("*", what) not in DEVIATIONS
    }


def test_each_built_operation_has_a_recipe() -> None:
    known = RECIPES.keys() | ELSEWHERE.keys()
    assert not RECIPES.keys() & ELSEWHERE.keys()
    assert {one.id for one in DONE} <= known, "say in recipes.py what it is to be asked"
    for operation, place in ELSEWHERE.items():
        (method,) = (one.method for one in OPERATIONS if one.id == operation)
        text = (ROOT / place).read_text(encoding="utf-8")
        assert method, operation
        assert "status" in text


@pytest.mark.parametrize("operation", [one.id for one in DONE])
def test_what_is_built_answers_each_role_as_the_contract_says(operation: str, walk: Walk, database: str) -> None:
    recipe = RECIPES.get(operation, Recipe())
    answer = httpx.Response(500)
    for who in FEW if database else CALLERS:
        answer = walk.ask(operation, who, recipe)
        assert _differ(operation, answer) == {}, (who, answer.status_code)
        assert answer.status_code < 500 or operation in ELSEWHERE, (who, answer.text)
    if operation in ELSEWHERE:
        _STATES[operation] = f"built; its work is tested in {ELSEWHERE[operation]}"
        return
    assert answer.status_code < 300, f"the administrator is the last of them: {answer.status_code} {answer.text}"
    if answer.request.method != "HEAD" and "schema" in (contract.response_of(operation, answer.status_code) or {}):
        assert recipe.empty or answer.text.strip() not in {"", "[]", "{}", "null"}, "nothing that could be wrong"
    _STATES[operation] = "built; body tested" if answer.content else "built; effect tested"


@pytest.mark.parametrize("operation", [one.id for one in DONE])
def test_what_is_built_refuses_nonsense_as_the_contract_says(operation: str, walk: Walk) -> None:
    """Things that are not there, pages that are none, and bodies of another shape."""
    method, path, _ = contract.operations()[operation]
    nowhere = {name: value for name, value in _NOWHERE.items() if f"{{{name}}}" in path}
    recipe = RECIPES.get(operation, Recipe())
    if nowhere:
        missing = Recipe(recipe.query, recipe.body, lambda _: nowhere)
        answer = walk.ask(operation, "administrator", missing)
        assert _differ(operation, answer) == {}
        assert 400 <= answer.status_code < 500, answer.text
    if method == "GET":
        needed = f"{recipe.query}&" if recipe.query else ""
        for query in ("page_size=101&page=-7", "page_size=0", "q=%3D%3D", "sort=a(", "with_detail=0", "nothing=%00"):
            answer = walk.ask(operation, "administrator", Recipe(needed + query, path=recipe.path))
            assert _differ(operation, answer) == {}, query
            assert answer.status_code < 500 or operation in ELSEWHERE, (query, answer.text)
    if method in {"POST", "PUT", "PATCH"}:
        nonsense: list[Any] = [[], "x", {"": [{}]}, {"items": [{"cve_id": " "}]}]
        for value in nonsense:
            answer = walk.ask(
                operation, "administrator", Recipe(body=functools.partial(_always, value), path=recipe.path)
            )
            assert _differ(operation, answer) == {}, value
            assert answer.status_code < 500, answer.text


_NUMBERS = (
    "webhook_policy_id",
    "execution_id",
    "user_id",
    "group_id",
    "robot_id",
    "id",
    "eid",
    "tid",
    "mid",
    "label_id",
    "immutable_rule_id",
)
_NOWHERE = dict.fromkeys(_NUMBERS, "999999") | {
    "project_name": "nowhere", "project_name_or_id": "nowhere", "repository_name": "nowhere", "reference": "nothing",
    "tag_name": "nothing", "meta_name": "nothing", "digest": "sha256:" + "0" * 64,
}  # fmt: skip


def test_every_deviation_has_its_row_in_the_docs() -> None:
    page = (ROOT / "docs" / "develop" / "differences.md").read_text(encoding="utf-8")
    for (operation, _), reason in DEVIATIONS.items():
        assert reason in page
        assert operation == "*" or f"`{operation}`" in page


@pytest.fixture(scope="module", autouse=True)
def _report() -> Any:
    """Leave the table of the operations behind, whatever the tests found."""
    yield
    folder = ROOT / "reports"
    folder.mkdir(exist_ok=True)
    with (folder / "contract.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("method", "path", "operation", "state"))
        for one in OPERATIONS:
            state = "501" if one.id in LATER else _STATES.get(one.id, "built; NOT TESTED in this run")
            rows.writerow((one.method, one.path, one.id, state))
