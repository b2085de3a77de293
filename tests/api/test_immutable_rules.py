"""Immutable tag rules on the data plane: what they keep, what they leave alone, and that no race gets past them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from moorage.artifacts import immutable_rules
from moorage.artifacts.immutable_rules import MAX_RULES, RuleBody, RuleSelector
from moorage.db.unit_of_work import Work
from moorage.errors import RuleExists, RuleInvalid, RuleLimit, RuleUnknown, SelectorInvalid
from tests.api.client import OCI_MANIFEST, Answer, Repo, Server, digest_of, encode, image, index, subject
from tests.api.conftest import make_project, project_id
from tests.api.rows import row
from tests.api.statements import counting

MESSAGE = "Failed to process request due to '{}:{}' configured as immutable."


def body(
    tags: str = "v*", repositories: str = "**", *, excludes: bool = False, repo_excludes: bool = False, **more: Any
) -> RuleBody:
    """A rule as a client sends it."""
    kind = more.pop("kind", "doublestar")
    return RuleBody(
        tag_selectors=[RuleSelector(kind=kind, decoration="excludes" if excludes else "matches", pattern=tags)],
        scope_selectors={
            "repository": [
                RuleSelector(decoration="repoExcludes" if repo_excludes else "repoMatches", pattern=repositories)
            ]
        },
        **more,
    )


AddRule = Callable[..., Awaitable[int]]


@pytest_asyncio.fixture(loop_scope="session")
async def number(app: Server, project: str) -> int:
    return await project_id(app, project)


@pytest.fixture
def add_rule(app: Server, number: int) -> AddRule:
    """A way to add a rule to the project."""

    async def add(*args: Any, **kwargs: Any) -> int:
        return await app.run(immutable_rules.create_rule, number, body(*args, **kwargs))

    return add


def require_refused(answer: Answer, repository: str, tag: str, rule: int) -> None:
    """See that a rule refused it, in the contract's words."""
    assert answer.status == 412, answer
    assert answer.code == "PRECONDITION"
    (error,) = answer.json()["errors"]
    assert error["message"] == MESSAGE.format(repository, tag)
    assert error["detail"].pop("pattern")  # the one that keeps it
    assert error["detail"] == {"tag": tag, "rule": rule, "reason": "TAG_IMMUTABLE"}


# -- what is kept ----


@row("P2")
async def test_a_tag_that_a_rule_selects_does_not_move(repo: Repo, add_rule: AddRule) -> None:
    before = await repo.image("v1", layers=[b"one"])
    rule = await add_rule("v*")

    await repo.blob(b"two")
    refused = await repo.put("v1", image(layers=[b"two"]))

    require_refused(refused, repo.name, "v1", rule)
    assert (await repo.head("manifests/v1")).header("docker-content-digest") == before
    assert (await repo.head(f"manifests/{digest_of(image(layers=[b'two']))}")).status == 404


@row("P2")
async def test_a_new_tag_the_same_digest_and_other_tags_may_be_pushed(repo: Repo, add_rule: AddRule) -> None:
    await add_rule("v*")
    await repo.image("v1", "latest", layers=[b"one"])

    assert (await repo.put("v1", image(layers=[b"one"]))).status == 201
    await repo.image("v2", "latest", layers=[b"two"])

    assert await repo.listed() == ["latest", "v1", "v2"]


@row("P2")
async def test_every_tag_of_a_put_counts_and_none_of_them_is_set_when_one_is_kept(
    repo: Repo, add_rule: AddRule
) -> None:
    await repo.image("v1", "moving", layers=[b"one"])
    rule = await add_rule("v*")
    await repo.blob(b"two")
    new = image(layers=[b"two"])

    refused = await repo.send(
        "PUT",
        f"manifests/{digest_of(new)}?tag=fresh&tag=moving&tag=v1",
        encode(new),
        headers={"content-type": OCI_MANIFEST},
    )

    require_refused(refused, repo.name, "v1", rule)
    assert await repo.listed() == ["moving", "v1"]
    assert (await repo.head("manifests/moving")).header("docker-content-digest") == digest_of(image(layers=[b"one"]))


@row("P2")
async def test_a_kept_tag_is_deleted_neither_by_its_name_nor_with_its_digest(repo: Repo, add_rule: AddRule) -> None:
    digest = await repo.image("v1", "moving", layers=[b"one"])
    rule = await add_rule("v*")

    require_refused(await repo.delete("manifests/v1"), repo.name, "v1", rule)
    require_refused(await repo.delete(f"manifests/{digest}"), repo.name, "v1", rule)
    assert (await repo.delete("manifests/moving")).status == 202

    assert await repo.listed() == ["v1"]
    assert (await repo.get("manifests/v1")).status == 200


@row("P2")
async def test_what_would_go_along_with_a_deleted_artifact_is_kept_too(repo: Repo, add_rule: AddRule) -> None:
    await repo.image(layers=[b"one"])
    of = image(layers=[b"one"])
    signature = image(layers=[b"one"], subject=subject(of))
    assert (await repo.put("v1-signature", signature)).status == 201
    rule = await add_rule("*-signature")

    refused = await repo.delete(f"manifests/{digest_of(of)}")

    require_refused(refused, repo.name, "v1-signature", rule)
    assert (await repo.head(f"manifests/{digest_of(of)}")).status == 200
    assert (await repo.head("manifests/v1-signature")).status == 200


@row("P2")
async def test_a_child_of_an_index_whose_tag_is_kept_stays(repo: Repo, add_rule: AddRule) -> None:
    child = await repo.image(layers=[b"one"])
    parent = index(image(layers=[b"one"]))
    assert (await repo.put("v1", parent)).status == 201
    rule = await add_rule("v*")

    require_refused(await repo.delete(f"manifests/{digest_of(parent)}"), repo.name, "v1", rule)
    assert (await repo.delete(f"manifests/{child}")).status == 412
    assert (await repo.head(f"manifests/{child}")).status == 200


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (body("v*", "app"), True),
        (body("v*", "other"), False),
        (body("v*", "*/app"), False),
        (body("v*", "app", repo_excludes=True), False),
        (body("v*", "other", repo_excludes=True), True),
        (body("latest", excludes=True), True),
        (body("v1", excludes=True), False),
        (body(r"v\d+", kind="regex"), True),
        (body(r"v", kind="regex"), False),
        (body(">=1", kind="semver"), False),
        (body("", ""), True),
        (body("v*", disabled=True), False),
    ],
    ids=[
        "repository", "another-repository", "without-the-project", "repository-excluded", "another-excluded",
        "tag-excluded", "this-tag-excluded", "regex", "regex-is-whole", "semver-needs-three-numbers", "everything",
        "disabled",
    ],
)  # fmt: skip
async def test_a_rule_holds_where_both_of_its_selectors_do(
    app: Server, repo: Repo, number: int, rule: RuleBody, kept: bool
) -> None:
    await repo.image("v1", layers=[b"one"])
    await app.run(immutable_rules.create_rule, number, rule)

    assert (await repo.delete("manifests/v1")).status == (412 if kept else 202)


async def test_the_rules_of_another_project_do_not_hold_here(app: Server, repo: Repo) -> None:
    other = await project_id(app, await make_project(app))
    await app.run(immutable_rules.create_rule, other, body("**"))
    await repo.image("v1", layers=[b"one"])

    assert (await repo.delete("manifests/v1")).status == 202


# -- changing rules ----


async def test_a_rule_can_be_changed_disabled_and_deleted(
    app: Server, repo: Repo, number: int, add_rule: AddRule
) -> None:
    await repo.image("v1", "v2", "v3", layers=[b"one"])
    rule = await add_rule("v*", priority=3, params={"a": {"b": 1}})
    assert (await repo.delete("manifests/v1")).status == 412

    await app.run(immutable_rules.update_rule, number, rule, body("v2", id=rule))
    assert [(await repo.delete(f"manifests/{tag}")).status for tag in ("v1", "v2")] == [202, 412]
    await app.run(immutable_rules.update_rule, number, rule, body("v2", disabled=True))
    assert (await repo.delete("manifests/v2")).status == 202
    await app.run(immutable_rules.update_rule, number, rule, body("v3"))
    assert (await repo.delete("manifests/v3")).status == 412
    await app.run(immutable_rules.update_rule, number, rule, RuleBody(disabled=True))
    assert [
        (one.disabled, one.tag_selectors[0].pattern) for one in await app.run(immutable_rules.list_rules, number)
    ] == [(True, "v3")]
    await app.run(immutable_rules.update_rule, number, rule, RuleBody(disabled=False))
    assert (await repo.delete("manifests/v3")).status == 412
    await app.run(immutable_rules.delete_rule, number, rule)
    assert (await repo.delete("manifests/v3")).status == 202

    audit = await app.rows(
        "SELECT operation, resource FROM audit WHERE project_id = :id AND resource_type = 'immutable_rule' ORDER BY id",
        id=number,
    )
    assert audit == [(operation, str(rule)) for operation in ("create", *["update"] * 5, "delete")]


async def test_rules_are_listed_as_they_were_sent(app: Server, number: int) -> None:
    sent = body("v*", "{a,b}/**", excludes=True, priority=2, disabled=True, params={"x": {}})
    sent.tag_selectors[0].extras = '{"untagged":true}'

    sent.id = await app.run(immutable_rules.create_rule, number, sent)
    second = await app.run(immutable_rules.create_rule, number, body())

    assert (await app.run(immutable_rules.list_rules, number))[0] == sent
    assert [rule.id for rule in await app.run(immutable_rules.list_rules, number)] == [sent.id, second]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (RuleBody(), RuleInvalid),
        (RuleBody(tag_selectors=body().tag_selectors), RuleInvalid),
        (RuleBody(scope_selectors=body().scope_selectors), RuleInvalid),
        (RuleBody(tag_selectors=body().tag_selectors, scope_selectors={"repository": []}), RuleInvalid),
        (
            RuleBody(tag_selectors=body().tag_selectors, scope_selectors={**body().scope_selectors, "x": []}),
            RuleInvalid,
        ),
        (
            RuleBody(tag_selectors=body().scope_selectors["repository"], scope_selectors=body().scope_selectors),
            RuleInvalid,
        ),
        (body(params={"x": {"y": "z" * 5000}}), RuleInvalid),
        (body("["), SelectorInvalid),
        (body("v*", "{a"), SelectorInvalid),
        (body("(a", kind="regex"), SelectorInvalid),
        (body("a", kind="glob"), SelectorInvalid),
        (body("{" * 1000), SelectorInvalid),
    ],
)
@row("I3")
async def test_a_rule_that_cannot_be_used_is_not_saved(
    app: Server, number: int, rule: RuleBody, problem: type[Exception]
) -> None:
    kept = await app.run(immutable_rules.create_rule, number, body("kept"))

    with pytest.raises(problem) as refused:
        await app.run(immutable_rules.create_rule, number, rule)
    if rule.tag_selectors or rule.scope_selectors:  # without any, a change only disables or enables
        with pytest.raises(problem):
            await app.run(immutable_rules.update_rule, number, kept, rule)

    assert refused.value.status == 400  # type: ignore[attr-defined]  # both are problems
    assert [found.tag_selectors[0].pattern for found in await app.run(immutable_rules.list_rules, number)] == ["kept"]


async def test_two_rules_that_say_the_same_cannot_be_in_a_project(app: Server, number: int, add_rule: AddRule) -> None:
    await add_rule("v*")
    other = await add_rule("w*")

    with pytest.raises(RuleExists):
        await add_rule("v*", disabled=True)
    with pytest.raises(RuleExists):
        await app.run(immutable_rules.update_rule, number, other, body("v*"))


async def test_a_project_has_fifteen_rules_at_most_however_many_are_added_at_once(app: Server, number: int) -> None:
    async def add(count: int) -> bool:
        try:
            await app.run(immutable_rules.create_rule, number, body(f"v{count}"))
        except RuleLimit:
            return False
        return True

    made = await asyncio.gather(*map(add, range(MAX_RULES + 5)))

    assert sum(made) == MAX_RULES
    assert len(await app.run(immutable_rules.list_rules, number)) == MAX_RULES


async def test_a_rule_of_another_project_is_not_there(app: Server, number: int, add_rule: AddRule) -> None:
    rule = await add_rule("v*")
    other = await project_id(app, await make_project(app))

    with pytest.raises(RuleUnknown):
        await app.run(immutable_rules.delete_rule, other, rule)
    with pytest.raises(RuleUnknown):
        await app.run(immutable_rules.update_rule, other, rule, body("w*"))
    with pytest.raises(RuleInvalid):
        await app.run(immutable_rules.update_rule, number, rule, body("w*", id=rule + 1))

    assert (await app.run(immutable_rules.list_rules, number))[0].tag_selectors[0].pattern == "v*"


# -- races, and what it costs ----


@row("P2")
@pytest.mark.parametrize("act", ["move", "delete-tag", "delete-digest"])
async def test_a_rule_that_is_being_added_is_waited_for(app: Server, repo: Repo, number: int, act: str) -> None:
    digest = await repo.image("v1", layers=[b"one"])
    await repo.blob(b"two")
    has_written, may_commit = threading.Event(), threading.Event()

    def add_slowly(work: Work) -> int:
        rule = immutable_rules.create_rule(work, number, body("v*"))
        has_written.set()
        assert may_commit.wait(60)
        return rule

    adding = asyncio.create_task(app.run(add_slowly))
    await asyncio.to_thread(has_written.wait, 60)
    acts: dict[str, Callable[[], Awaitable[Answer]]] = {
        "move": lambda: repo.put("v1", image(layers=[b"two"])),
        "delete-tag": lambda: repo.delete("manifests/v1"),
        "delete-digest": lambda: repo.delete(f"manifests/{digest}"),
    }
    acting = asyncio.ensure_future(acts[act]())
    await asyncio.sleep(0.3)
    waited = not acting.done()
    may_commit.set()

    require_refused(await acting, repo.name, "v1", await adding)
    assert waited


@row("P2")
async def test_after_a_rule_was_added_no_push_that_ran_beside_it_moves_a_tag(
    app: Server, repo: Repo, number: int
) -> None:
    layers = [f"layer {count}".encode() for count in range(24)]
    for layer in layers:
        await repo.blob(layer)
    await repo.image("v1", layers=[layers[0]])
    seen: list[str | None] = []

    async def move(layer: bytes) -> None:
        await repo.put("v1", image(layers=[layer]))

    async def keep() -> None:
        await asyncio.sleep(0.02)
        await app.run(immutable_rules.create_rule, number, body("v*"))
        seen.append((await repo.head("manifests/v1")).header("docker-content-digest"))

    await asyncio.gather(keep(), *map(move, layers[1:]))

    assert (await repo.head("manifests/v1")).header("docker-content-digest") == seen[0]


@pytest.mark.parametrize("ruled", [False, True])
async def test_a_project_without_rules_pays_no_statement(app: Server, repo: Repo, number: int, ruled: bool) -> None:
    digest = await repo.image("v1", layers=[b"one"])
    if ruled:
        await app.run(immutable_rules.create_rule, number, body("other"))
    with counting() as statements:
        await repo.image("v1", layers=[b"two"])
        await repo.delete("manifests/v1")
        await repo.delete(f"manifests/{digest}")

    asked = sum("FROM immutable_rule" in statement for statement in statements)
    assert statements
    assert asked == (2 if ruled else 0)  # the tag that moves, and the one that is deleted
