"""Selectors: what each kind selects, what is refused, and that none of them takes long (threats.md I3)."""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from moorage.errors import SelectorInvalid
from moorage.oci.versions import find_version
from moorage.selectors import KINDS, MAX_CHARACTERS, MAX_GROUPS, MAX_STARS, compile_search, compile_selector


def selects(kind: str, pattern: str, text: str) -> bool:
    return compile_selector(kind, pattern).matches(text)


# -- globs ------------------------------------------------------------------------------------------------

GLOBS = [
    ("", "anything/at-all", True),
    ("abc", "abc", True),
    ("abc", "ABC", False),
    ("abc", "abcd", False),
    ("*", "abc", True),
    ("*", "", True),
    ("*", "a/b", False),
    ("*c", "abc", True),
    ("a*", "a", True),
    ("a*", "ab/c", False),
    ("a*/b", "abc/b", True),
    ("a*/b", "a/c/b", False),
    ("a*b?c*x", "abxbbxdbxebxczzx", True),
    ("a*b?c*x", "abxbbxdbxebxczzy", False),
    ("v?.?.?", "v1.2.3", True),
    ("v?.?.?", "v1.2.33", False),
    ("a?b", "a/b", False),
    ("ab[c]", "abc", True),
    ("ab[b-d]", "abc", True),
    ("ab[e-g]", "abc", False),
    ("ab[^c]", "abc", False),
    ("ab[^e-g]", "abc", True),
    ("ab[!c]", "abx", True),
    ("ab[!c]", "abc", False),
    ("a[^b]c", "a/c", False),
    ("a[.-0]c", "a/c", False),
    ("a[.-0]c", "a.c", True),
    ("a[.-0]c", "a0c", True),
    (r"a[\/]c", "a/c", False),
    (r"[x\-]", "-", True),
    (r"[\]a]", "]", True),
    (r"a\*b", "a*b", True),
    (r"a\*b", "ab", False),
    (r"a/\**", "a/b/c", False),
    ("**", "a", True),
    ("**", "a/b/c", True),
    ("**", "", True),
    ("a/**", "a", False),
    ("a/**", "a/b", True),
    ("a/**", "a/b/c", True),
    ("a/**", "ab/c", False),
    ("**/c", "c", True),
    ("**/c", "a/b/c", True),
    ("**/c", "a/abc", False),
    ("a/**/b", "a/b", True),
    ("a/**/d", "a/b/c/d", True),
    ("a/**/**/d", "a/d", True),
    ("abc**", "abc/b", False),
    ("abc**", "abcd", True),
    ("a***b", "axyb", True),
    ("***", "a/b", False),
    ("v1.**", "v1.2.3", True),
    ("ab{c,d}", "abc", True),
    ("ab{c,d,*}", "abcde", True),
    ("a{,bc}", "a", True),
    ("a{,bc}", "abc", True),
    ("a{,bc}", "ab", False),
    ("{a/{b,c},abc}", "a/c", True),
    ("{a/{b,c},abc}", "a/b/c", False),
    ("{library,team}/**", "team/a/b", True),
    ("{library/**,team/app}", "library/a/b", True),
    ("{library/**,team/app}", "team/app2", False),
    ("{**/,}app", "a/b/app", True),
    ("{**/,}app", "app", True),
    ("{,x}**", "a/b", True),
    ("{,x}**", "xa/b", True),
    ("x{,y}**", "xa/b", False),
    ("*{,a}*", "b/c", False),
    ("{a}", "a", True),
    ("{}", "", True),
    ("a,b}", "a,b}", True),
    ("release-{1.{0,1},2.[0-9]}", "release-2.7", True),
    ("release-{1.{0,1},2.[0-9]}", "release-1.2", False),
    ("[a-é]*", "ç", True),
    ("a?b", "a☺b", True),
    ("a.b", "axb", False),
    ("a+(b)|c$^", "a+(b)|c$^", True),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), GLOBS)
def test_a_glob_selects_what_the_contract_says(pattern: str, text: str, expected: bool) -> None:
    assert selects("doublestar", pattern, text) is expected


Tree = tuple[Any, ...]


def _merge(tokens: list[Tree]) -> list[Tree]:
    """Stars that stand together in the text are one token: two are `**`, more are `*`."""
    merged: list[Tree] = []
    for token in tokens:
        if token[0] == "stars" and merged and merged[-1][0] == "stars":
            merged[-1] = ("stars", merged[-1][1] + token[1])
        else:
            merged.append(token)
    return merged


def _sequences(inner: st.SearchStrategy[Tree], size: int) -> st.SearchStrategy[list[Tree]]:
    return st.lists(inner, max_size=size).map(_merge)


_leaf: st.SearchStrategy[Tree] = st.one_of(
    st.sampled_from("ab.").map(lambda character: ("one", character, frozenset(character))),
    st.sampled_from(
        [("one", "?", frozenset("ab.")), ("one", "[ab]", frozenset("ab")), ("one", "[^a]", frozenset("b."))]
    ),
    st.just(("slash",)),
    st.integers(1, 2).map(lambda count: ("stars", count)),
)
_tree = st.recursive(
    _leaf,
    lambda inner: st.lists(_sequences(inner, 3), min_size=1, max_size=3).map(lambda group: ("group", group)),
    max_leaves=12,
)
_GLOB = _sequences(_tree, 7).filter(bool)


def write(tokens: list[Tree]) -> str:
    """The text of a glob."""
    return "".join(
        "/"
        if token[0] == "slash"
        else "*" * token[1]
        if token[0] == "stars"
        else token[1]
        if token[0] == "one"
        else "{" + ",".join(map(write, token[1])) + "}"
        for token in tokens
    )


def expand(tokens: list[Tree]) -> Iterator[list[Tree]]:
    """Every list without groups that a glob stands for."""
    for index, token in enumerate(tokens):
        if token[0] == "group":
            for alternative in token[1]:
                yield from expand(tokens[:index] + alternative + tokens[index + 1 :])
            return
    yield tokens


def slow_match(tokens: list[Tree], text: str) -> bool:
    """What a glob selects, by trying everything: parts of a path against parts of a pattern."""
    for branch in expand(tokens):
        parts: list[list[Tree]] = [[]]
        for token in branch:
            if token == ("slash",):
                parts.append([])
            else:
                parts[-1].append(token)
        if _match_parts(parts, text.split("/")):
            return True
    return False


def _match_parts(parts: list[list[Tree]], names: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == [("stars", 2)]:
        if len(parts) == 1:
            return bool(names)
        return any(_match_parts(parts[1:], names[skip:]) for skip in range(len(names)))
    return bool(names) and _match_part(parts[0], names[0]) and _match_parts(parts[1:], names[1:])


def _match_part(part: list[Tree], name: str) -> bool:
    if not part:
        return not name
    if part[0][0] == "stars":
        return any(_match_part(part[1:], name[skip:]) for skip in range(len(name) + 1))
    return bool(name) and name[0] in part[0][2] and _match_part(part[1:], name[1:])


@given(glob=_GLOB, text=st.text("ab./", max_size=9))
def test_a_glob_selects_what_trying_everything_selects(glob: list[Tree], text: str) -> None:
    try:
        selector = compile_selector("doublestar", write(glob))
    except SelectorInvalid as refused:
        assert "more than" in str(refused)  # noqa: PT017 - over a limit is the only reason there is
        reject()
    assert selector.matches(text) is slow_match(glob, text), write(glob)


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=40))
def test_an_escaped_text_selects_itself_alone(text: str) -> None:
    pattern = "".join(f"\\{character}" for character in text)

    assert selects("doublestar", pattern, text)
    assert not selects("doublestar", pattern, text + "x")


# -- regular expressions ----


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"v\d+\.\d+\.\d+", "v1.20.3", True),
        (r"v\d+\.\d+\.\d+", "v1.20.3-rc.1", False),
        ("a|b", "b", True),
        ("a|b", "ab", False),
        ("", "", True),
        ("", "a", False),
        ("(?i)LATEST", "latest", True),
        ("a.c", "a/c", True),
        ("(a+)+$", "a" * 127 + "b", False),
    ],
)
def test_a_regular_expression_selects_whole_texts(pattern: str, text: str, expected: bool) -> None:
    assert selects("regex", pattern, text) is expected


# -- ranges of versions ----

RANGES = [
    (">=1.2 <2", ["1.2.0", "v1.9.9", "1.10.0"], ["1.1.9", "2.0.0", "1.3.0-rc.1", "2.0.0-rc.1"]),
    (">=1.2,<2", ["1.2.0"], ["2.0.0"]),
    (">= 1.2.3 , < 2", ["1.2.3"], ["1.2.2"]),
    (">1.2", ["1.3.0"], ["1.2.0", "1.2.9"]),
    (">1.2.3", ["1.2.4"], ["1.2.3"]),
    ("<=1.2", ["1.2.9"], ["1.3.0"]),
    ("<1.2", ["1.1.9"], ["1.2.0", "1.2.0-rc.1"]),
    ("~1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0"]),
    ("~1.2", ["1.2.0"], ["1.3.0"]),
    ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
    ("^1", ["1.0.0", "1.9.0"], ["2.0.0", "0.9.0"]),
    ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]),
    ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0"]),
    ("^0.0.3", ["0.0.3"], ["0.0.4"]),
    ("^0.0", ["0.0.9"], ["0.1.0"]),
    ("^0", ["0.9.0"], ["1.0.0"]),
    ("1.2.x", ["1.2.0", "1.2.9"], ["1.3.0"]),
    ("1.*", ["1.0.0"], ["2.0.0"]),
    ("1", ["1.5.0"], ["2.0.0"]),
    ("=1.2.3", ["1.2.3", "v1.2.3", "1.2.3_build5"], ["1.2.4"]),
    ("!=1.2", ["1.3.0", "1.1.0"], ["1.2.0", "1.2.7"]),
    ("*", ["0.0.1", "v99.0.0"], ["1.0.0-rc.1", "1", "1.2", "latest", "v1", "1.2.3.4", "01.2.3", "1.02.3", ""]),
    ("!=*", [], ["1.0.0"]),
    ("1.2 - 1.4", ["1.2.0", "1.4.9"], ["1.5.0", "1.1.0"]),
    ("1.2.3 - 1.4.0", ["1.2.3", "1.4.0"], ["1.4.1"]),
    ("<1 || >=2.1", ["0.9.0", "2.1.0"], ["1.0.0", "2.0.0"]),
    (">=1.0.0-0", ["1.0.0-rc.1", "1.5.0-beta", "1.0.0", "2.0.0"], ["0.9.0", "1.0.0-01"]),
    (">=1.0.0-rc.2 <1.0.0", ["1.0.0-rc.2", "1.0.0-rc.10", "1.0.0-x"], ["1.0.0-rc.1", "1.0.0", "1.0.0-alpha"]),
    ("^1.2.0-beta", ["1.2.0-beta.3", "1.2.0", "1.3.0-rc.1"], ["1.2.0-alpha", "2.0.0-rc.1"]),
    ("1.2.3-rc.1 || 2", ["1.2.3-rc.1", "2.0.0"], ["2.0.0-rc.1", "1.2.3"]),
    ("9" * 100 + ".0.0", ["9" * 100 + ".0.0"], ["9.0.0"]),
]


@pytest.mark.parametrize(("pattern", "inside", "outside"), RANGES, ids=lambda value: str(value)[:30])
def test_a_range_selects_its_versions(pattern: str, inside: list[str], outside: list[str]) -> None:
    selector = compile_selector("semver", pattern)

    assert [tag for tag in inside if not selector.matches(tag)] == []
    assert [tag for tag in outside if selector.matches(tag)] == []


def test_versions_are_ordered_as_the_specification_orders_them() -> None:
    tags = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
        "1.0.0", "1.0.1", "1.2", "1.10.0",
    ]  # fmt: skip
    versions = [version for tag in random.Random(3).sample(tags, len(tags)) if (version := find_version(tag))]

    assert sorted(versions) == [find_version(tag) for tag in tags]
    assert find_version("1.2") == find_version("v1.2.0_build") != find_version("1.2.0-0")


# -- what is refused ----

REFUSED = [
    ("doublestar", "[", 0),
    ("doublestar", "ab[", 2),
    ("doublestar", "[^", 0),
    ("doublestar", "[!]", 0),
    ("doublestar", "[]a]", 0),
    ("doublestar", "[-]", 1),
    ("doublestar", "[x-]", 3),
    ("doublestar", "[-x]", 1),
    ("doublestar", "[a-b-c]", 4),
    ("doublestar", "[z-a]", 1),
    ("doublestar", "a\\", 1),
    ("doublestar", "[a\\", 2),
    ("doublestar", "ab{c,d", 2),
    ("doublestar", "{a,{b}", 0),
    ("doublestar", "{" * 1000, 16),
    ("doublestar", "a\nb", 1),
    ("doublestar", "a\x00", 1),
    ("doublestar", "a\ud800", 1),
    ("doublestar", "x" * 2049, 2048),
    ("doublestar", "{a}" * (MAX_GROUPS + 1), 3 * MAX_GROUPS),
    ("doublestar", "{a/,b/}" * 9, 0),
    ("doublestar", "*a" * (MAX_STARS + 1), 0),
    ("doublestar", "?" * (MAX_STARS * 4 + 1), 0),
    ("doublestar", "**{" + "{c,".join("a,b," for _ in range(20)) + "x" + "}" * 20, 112),
    ("regex", "(a", 0),
    ("regex", "x[a", 1),
    ("regex", "a(?=b)", 1),
    ("regex", r"(a)\1", 3),
    ("regex", "a**", 1),
    ("regex", "a{1001}", 1),
    ("regex", "((a{100}){100}){100}", 3),
    ("regex", "([a-c]x){200}", 0),
    ("regex", "x" * 513, 512),
    ("semver", "", 0),
    ("semver", "  ", 0),
    ("semver", "latest", 0),
    ("semver", ">=", 2),
    ("semver", "1.2.3.4", 5),
    ("semver", ">=1 ||", 6),
    ("semver", "|| 1", 0),
    ("semver", ">=1.2.3-", 7),
    ("semver", "1.2.3-01", 0),
    ("semver", "1.x.3", 0),
    ("semver", "1.2-rc", 0),
    ("semver", ">=1 <2 three", 7),
    ("semver", "1.2 -", 4),
    ("semver", "=>1.2", 1),
    ("semver", "1 " * 300, 512),
]


@pytest.mark.parametrize(
    ("kind", "pattern", "position"), REFUSED, ids=lambda value: str(value)[:20].encode("unicode_escape").decode()
)
def test_what_cannot_be_used_is_refused_with_its_place(kind: str, pattern: str, position: int) -> None:
    with pytest.raises(SelectorInvalid) as refused:
        compile_selector(kind, pattern)

    assert refused.value.status == 400
    assert refused.value.detail["position"] == position
    assert f"at character {position + 1}: " in str(refused.value)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(SelectorInvalid, match="doublestar, regex, semver"):
        compile_selector("glob", "*")


@given(
    kind=st.sampled_from(KINDS),
    pattern=st.text("ab{},[]^!-*?/\\.()|+$0123456789<>=~ xv", max_size=60),
    text=st.text("ab/.1-", max_size=20),
)
def test_any_pattern_is_compiled_or_refused_and_then_answers(kind: str, pattern: str, text: str) -> None:
    try:
        selector = compile_selector(kind, pattern)
    except SelectorInvalid as refused:
        assert 0 <= int(str(refused.detail["position"])) <= MAX_CHARACTERS[kind]  # noqa: PT017 - refusing is one of two right answers
    else:
        assert selector.matches(text) in {True, False}


# -- time ----

HOSTILE = [
    ("doublestar", "*" * 100 + "x"),
    ("doublestar", "*" * 2000 + "x"),
    ("doublestar", "*a" * MAX_STARS + "x"),
    ("doublestar", "**/" * MAX_STARS + "x"),
    ("doublestar", "{" + ",".join(f"tag-{number}" for number in range(200)) + "}"),
    ("doublestar", "**{" + ",".join(f"a{number}" for number in range(400)) + "}"),
    ("doublestar", "{*a,*b,*ab,*ba,*aab,*bba,*abab,*baba}x"),
    ("doublestar", "*a" + "?" * 4 * (MAX_STARS - 1)),
    ("doublestar", "{a/,b/}" * 8 + "x"),
    ("regex", "(a+)+$"),
    ("regex", "(a|aa)+$"),
    ("regex", "(.*a){20}x"),
    ("regex", "(a|b)*a(a|b){12}"),
    ("regex", "(a|b)*a(a|b){12}x"),
    ("regex", "(a|b)*a(a|b){100}x"),
    ("regex", "(.*a.{16}b.*c)|(.*b.{16}a.{12}c)"),
    ("doublestar", "{*a*b*c,*b*a*c,*a*a*d,*b*b*c,*a*b*a*x}"),
    ("doublestar", "{" + ",".join(f"team-{number}-app" for number in range(160)) + "}"),
    ("semver", " || ".join(f">={number}.0.0-0 <{number}.5" for number in range(20))),
]


@pytest.mark.parametrize(("kind", "pattern"), HOSTILE, ids=lambda value: str(value)[:30])
def test_i3_a_thousand_hostile_tags_take_no_time(kind: str, pattern: str) -> None:
    numbers = random.Random(7)
    tags = (
        ["".join(numbers.choice("ab") for _ in range(128)) for _ in range(900)]
        + ["a" * 127 + "b"] * 50
        + ["1.2.3-" + "a" * 122] * 50
    )
    selector = compile_selector(kind, pattern)

    took = []
    for _ in range(3):
        began = time.process_time()
        for tag in tags:
            selector.matches(tag)
        took.append(time.process_time() - began)

    assert min(took) < 0.5  # a matcher that backtracks takes years; the figures are in docs/use/selectors.md


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [(kind, pattern) for kind, pattern, _ in REFUSED],
    ids=lambda value: str(value)[:20].encode("unicode_escape").decode(),
)
def test_i3_refusing_takes_no_time(kind: str, pattern: str) -> None:
    began = time.process_time()
    with pytest.raises(SelectorInvalid):
        compile_selector(kind, pattern)

    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("team", "my-team-a", True),
        ("^team", "my-team-a", False),
        ("a$", "my-team-a", True),
        ("a|b$", "xax", True),
        ("(?i)TEAM", "my-team", True),
        ("", "anything", True),
        (".", "", False),
    ],
)
def test_a_searched_expression_is_found_somewhere(pattern: str, text: str, found: bool) -> None:
    assert compile_search(pattern)(text) is found


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a" * 513, "(a{1000}){1000}", "a\x00"])
def test_a_searched_expression_has_the_bounds_of_a_selector(pattern: str) -> None:
    with pytest.raises(SelectorInvalid):
        compile_search(pattern)
