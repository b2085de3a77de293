"""What retention rules say of artifacts."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moorage.artifacts.immutable_rules import RuleSelector
from moorage.errors import Problem, RuleExists, RuleInvalid, RuleLimit, SelectorInvalid
from moorage.retention.rules import TEMPLATES, Candidate, RuleBody, Why, check_rules, compile_rules

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def body(template: str = "always", tags: tuple[str, ...] = ("**",), repositories: str = "**", **more: Any) -> RuleBody:
    """A rule over tags that match each of some globs."""
    selectors = [RuleSelector(decoration="matches", pattern=one) for one in tags]
    scope = {"repository": [RuleSelector(decoration="repoMatches", pattern=repositories)]}
    return RuleBody(**{"template": template, "tag_selectors": selectors, "scope_selectors": scope, **more})


def artifact(number: int, *tags: str, pushed: float = 0, pulled: float | None = None) -> Candidate:
    """An artifact that was pushed and pulled so many days ago."""
    at = None if pulled is None else NOW - timedelta(days=pulled)
    return Candidate(number, tags, NOW - timedelta(days=pushed), at)


def kept(rule: RuleBody, *candidates: Candidate) -> set[int]:
    """Which of them the rule keeps."""
    (compiled,) = compile_rules([rule])
    return {number for number, why in compiled.ask(candidates, NOW).items() if why.kept}


DAYS = [artifact(number, f"v{number}", pushed=number, pulled=10 - number) for number in range(1, 6)]


@pytest.mark.parametrize(
    ("template", "params", "expected"),
    [
        ("always", {}, {1, 2, 3, 4, 5}),
        ("latestPushedK", {"latestPushedK": 2}, {1, 2}),
        ("latestPushedK", {"latestPushedK": 0}, set()),
        ("latestPushedK", {}, {1, 2, 3, 4, 5}),
        ("latestPulledN", {"latestPulledN": 2}, {4, 5}),
        ("nDaysSinceLastPush", {"nDaysSinceLastPush": 3}, {1, 2, 3}),
        ("nDaysSinceLastPull", {"nDaysSinceLastPull": 6}, {4, 5}),
        ("lastXDays", {"lastXDays": 1}, {1}),
        ("latestActiveK", {"latestActiveK": 1}, {1}),
    ],
)
def test_a_template_keeps(template: str, params: dict[str, Any], expected: set[int]) -> None:
    shuffled = random.sample(DAYS, len(DAYS))

    assert kept(body(template, params=params), *shuffled) == expected


def test_versions_are_ordered_as_versions() -> None:
    names = ["v1.9.0", "v1.10.0", "1.10.0-rc.1", "latest", "v0.99.0"]
    candidates = [artifact(number, name, pushed=number) for number, name in enumerate(names)]

    assert kept(body("latestVersionK", params={"latestVersionK": 2}), *candidates) == {1, 2}


@pytest.mark.parametrize("template", ["latestPulledN", "nDaysSinceLastPull"])
def test_a_pull_time_that_is_not_known_keeps_unless_the_push_stands_for_it(template: str) -> None:
    old, pulled = artifact(1, "a", pushed=400), artifact(2, "b", pushed=500, pulled=1)
    rule = body(template, params={template: 1})

    assert kept(rule, old, pulled) == {1, 2}
    (compiled,) = compile_rules([rule])
    assert compiled.ask([old], NOW)[1] == Why(0, kept=True, why="unknown_pull")

    assert kept(body(template, params={template: 1, "never_pulled": "push_time"}), old, pulled) == {2}


@pytest.mark.parametrize(
    ("decoration", "extras", "expected"),
    [
        ("matches", "", {1, 3, 4}),
        ("matches", '{"untagged":false}', {1, 3}),
        ("matches", '{"untagged":true}', {1, 3, 4}),
        ("excludes", "", {2, 3, 4}),
        ("excludes", '{"untagged":false}', {2, 3, 4}),
        ("excludes", '{"untagged":true}', {2, 3}),
    ],
)
def test_an_artifact_is_selected_by_any_of_its_tags(decoration: str, extras: str, expected: set[int]) -> None:
    candidates = [artifact(1, "v1"), artifact(2, "dev"), artifact(3, "dev", "v2"), artifact(4)]
    selector = RuleSelector(decoration=decoration, pattern="v*", extras=extras)

    assert kept(body(tag_selectors=[selector]), *candidates) == expected


def test_several_selectors_have_to_agree() -> None:
    candidates = [artifact(1, "v1"), artifact(2, "v1-rc"), artifact(3, "rc")]

    assert kept(body(tags=("v*", "*rc")), *candidates) == {2}


def test_a_rule_speaks_of_the_repositories_that_it_selects() -> None:
    (rule,) = compile_rules([body(repositories="team/**")])

    assert [name for name in ("team/app", "app", "team") if rule.speaks_of(name)] == ["team/app"]


def test_a_rule_says_why() -> None:
    (rule,) = compile_rules([body("latestPushedK", tags=("v*",), params={"latestPushedK": 1}, id=7)])

    said = rule.ask([artifact(1, "v1", pushed=2), artifact(2, "v2", pushed=1), artifact(3, "x")], NOW)

    assert said == {
        1: Why(7, kept=False, why="rank", rank=2),
        2: Why(7, kept=True, why="rank", rank=1),
        3: Why(7, kept=False, why="not_selected"),
    }


def test_a_disabled_rule_is_not_asked() -> None:
    assert compile_rules([body(disabled=True)]) == []


def test_ids_are_kept_where_they_are_free() -> None:
    made = check_rules([body(tags=(name,), id=number) for name, number in (("a", 2), ("b", 0), ("c", 2), ("d", -1))])

    assert [one.id for one in made] == [2, 1, 3, 4]


@pytest.mark.parametrize(
    ("bodies", "problem"),
    [
        ([body("newest")], RuleInvalid),
        ([body("latestPushedK", params={"latestPushedK": -1})], RuleInvalid),
        ([body("latestPushedK", params={"latestPushedK": 32_767})], RuleInvalid),
        ([body("latestPushedK", params={"latestPushedK": True})], RuleInvalid),
        ([body("latestPushedK", params={"latestPushedK": "3"})], RuleInvalid),
        ([body("latestPushedK", params={"lastXDays": 3})], RuleInvalid),
        ([body("always", params={"never_pulled": "push_time"})], RuleInvalid),
        ([body("latestPulledN", params={"never_pulled": "drop"})], RuleInvalid),
        ([body(action="delete")], RuleInvalid),
        ([body(tags=())], RuleInvalid),
        ([body(scope_selectors={})], RuleInvalid),
        ([body(scope_selectors={"tag": []})], RuleInvalid),
        ([body(tag_selectors=[RuleSelector(decoration="repoMatches")])], RuleInvalid),
        ([body(tag_selectors=[RuleSelector(decoration="matches", extras="untagged")])], RuleInvalid),
        ([body(tag_selectors=[RuleSelector(decoration="matches", extras='{"untagged": 1}')])], RuleInvalid),
        ([body(tags=("[",))], SelectorInvalid),
        ([body(id=1), body(id=2)], RuleExists),
        ([body(tags=(f"t{number}",)) for number in range(16)], RuleLimit),
    ],
)
def test_what_cannot_be_used_is_refused(bodies: list[RuleBody], problem: type[Problem]) -> None:
    with pytest.raises(problem):
        check_rules(bodies)


def test_every_template_can_be_used() -> None:
    assert len(check_rules([body(name) for name in TEMPLATES])) == len(TEMPLATES)
