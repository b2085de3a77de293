"""Scopes of a token: what a client asks for, and the challenge that makes it ask."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.errors import Problem, ScopeLimit
from moorage.tokens.scopes import Scope, format_challenge, format_scopes, parse_scopes

WORD = st.from_regex(r"[a-z0-9/]{1,12}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("repository:a/r:pull", Scope("repository", "a/r", ("pull",))),
        ("repository:a/r:pull,push,pull", Scope("repository", "a/r", ("pull", "push"))),
        ("repository:host:5000/a/r:pull", Scope("repository", "host:5000/a/r", ("pull",))),
        ("registry:catalog:*", Scope("registry", "catalog", ("*",))),
        ("repository:*:*", Scope("repository", "*", ("*",))),
        ("repository:a/*:pull", Scope("repository", "a/*", ("pull",))),
        ("repository(plugin):a/r:pull", Scope("repository(plugin)", "a/r", ("pull",))),
        ("repository::pull", Scope("repository", "", ("pull",))),
        ("repository:a/r:", Scope("repository", "a/r", ())),
        ("repository:a/r:,pull,,", Scope("repository", "a/r", ("pull",))),
        ("::", Scope("", "", ())),
    ],
)
def test_a_scope_splits_at_its_first_and_last_colon(text: str, expected: Scope) -> None:
    assert parse_scopes([text]) == [expected]


@pytest.mark.parametrize(
    "text", ["", " ", "repository", "repository:a/r", ":", "repository:a/\u00e9:pull", "repository:\x00:pull"]
)
def test_nonsense_asks_for_nothing(text: str) -> None:
    assert parse_scopes([text]) == []


def test_spaces_and_repeated_parameters_mean_the_same() -> None:
    one = parse_scopes(["repository:a/r:pull repository:b/r:push  repository:a/r:delete,pull"])
    other = parse_scopes(["repository:a/r:pull", "repository:b/r:push", "repository:a/r:delete,pull"])
    assert one == other == [Scope("repository", "a/r", ("pull", "delete")), Scope("repository", "b/r", ("push",))]


@pytest.mark.parametrize(
    "values",
    [
        ["a:b:c"] * 101,
        [" ".join(["a:b:c"] * 101)],
        ["x" * 4097],
        ["x" * 100_000],
        ["x:y:" + "z" * 50] * 100,
        [" " * 5000],
    ],
    ids=["101 values", "101 in one", "4097 characters", "100 kB", "100 long ones", "spaces"],
)
def test_too_many_scopes_are_refused_at_once(values: list[str]) -> None:
    began = time.process_time()
    with pytest.raises(ScopeLimit) as caught:
        parse_scopes(values)
    assert caught.value.status == 400
    assert time.process_time() - began < 1


def test_a_hundred_scopes_of_4096_characters_are_still_allowed() -> None:
    assert len(parse_scopes([f"r:{i:02}:p" for i in range(100)])) == 100
    assert parse_scopes(["r:a:" + "p" * 4092]) == [Scope("r", "a", ("p" * 4092,))]


@given(st.lists(st.text(max_size=60), max_size=20))
def test_no_scope_raises_anything_but_a_problem(values: list[str]) -> None:
    try:
        scopes = parse_scopes(values)
    except Problem:
        return
    assert parse_scopes([format_scopes(scopes)]) == scopes


@given(
    st.lists(
        st.builds(Scope, WORD, WORD, st.lists(WORD, unique=True, max_size=3).map(tuple)),
        max_size=5,
        unique_by=lambda s: (s.type, s.name),
    )
)
def test_scopes_come_back_as_they_were(scopes: list[Scope]) -> None:
    assert parse_scopes([format_scopes(scopes)]) == scopes


def test_a_challenge_quotes_everything_and_joins_scopes_with_a_space() -> None:
    scopes = parse_scopes(["repository:a/r:pull,push repository:b/r:pull"])
    value = format_challenge(
        realm="http://h/service/token", service="harbor-registry", scopes=scopes, error="insufficient_scope"
    )
    assert value == (
        'Bearer realm="http://h/service/token",service="harbor-registry",'
        'scope="repository:a/r:pull,push repository:b/r:pull",error="insufficient_scope"'
    )


def test_a_challenge_without_a_scope_names_none() -> None:
    assert format_challenge(realm="http://h/t", service="s") == 'Bearer realm="http://h/t",service="s"'


def test_a_quote_does_not_end_a_part_of_the_challenge() -> None:
    assert format_challenge(realm='http://h/"\\', service="s") == 'Bearer realm="http://h/\\"\\\\",service="s"'
