"""Names: what is refused, how it is said, and that no input is slow."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.errors import (
    DigestInvalid,
    NameInvalid,
    Problem,
    ProjectNameInvalid,
    RobotNameInvalid,
    TagInvalid,
    UserNameInvalid,
)
from moorage.oci.digest import Digest
from moorage.oci.names import (
    RobotName,
    fold_user_name,
    parse_project_name,
    parse_reference,
    parse_repository,
    parse_robot_name,
    parse_stored_robot_name,
    parse_tag,
    parse_user_name,
)

ZEROS = "0" * 64
COMPONENT = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)


# -- repositories -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "project", "path"),
    [
        ("a/r", "a", "r"),
        ("a/b/c/d", "a", "b/c/d"),
        ("a.b/x__y", "a.b", "x__y"),
        ("a/x---y", "a", "x---y"),
        ("0/0", "0", "0"),
        ("a/blobs/uploads", "a", "blobs/uploads"),
        ("a/tags/list", "a", "tags/list"),
        ("a/" + "b" * 253, "a", "b" * 253),
    ],
)
def test_a_repository_name_splits_where_the_project_ends(text: str, project: str, path: str) -> None:
    name = parse_repository(text)
    assert (str(name), name.project, name.path) == (text, project, path)


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "A/r", "a/R", "a//r", "a/r/", "/a/r", "a/-r", "a/r-", "a/.r", "a/r.", "a/r..x", "a/r___x", "a/__r",
        "a/r_", "a/r@x", "a/r:x", "a/é", "a/r%20x", "a/r x", "a/r\n", "a/r\x00", "a/../b", "..", "a/٣", "a\\r",
        "a/" + "b" * 254,
    ],
)  # fmt: skip
def test_a_name_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(NameInvalid) as caught:
        parse_repository(text)
    assert (caught.value.status, caught.value.oci_code) == (400, "NAME_INVALID")


def test_a_name_without_a_project_is_told_of_library() -> None:
    with pytest.raises(NameInvalid, match="library/busybox"):
        parse_repository("busybox")


@given(st.lists(COMPONENT, min_size=2, max_size=5).map("/".join))
def test_every_name_of_the_grammar_comes_back_as_it_was(text: str) -> None:
    name = parse_repository(text)
    assert f"{name.project}/{name.path}" == str(name) == text


# -- tags and references ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["latest", "_x", "1.0-RC_2", "a" * 128, "sha256", "sha256-abc.sig"])
def test_a_tag_is_taken_as_it_is(text: str) -> None:
    assert parse_tag(text) == text == parse_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-x",
        ".x",
        "..",
        "a" * 129,
        "a b",
        "a/b",
        "a\x00",
        "<script>",
        "sha256:x",
        "a%00",
        "latest\n",
        "é",
        "a+b",
        "٣",
    ],
)
def test_a_tag_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(TagInvalid):
        parse_tag(text)


@pytest.mark.parametrize("text", [f"sha256:{ZEROS}", f"sha512:{ZEROS}{ZEROS}"])
def test_a_reference_with_a_colon_is_a_digest(text: str) -> None:
    reference = parse_reference(text)
    assert isinstance(reference, Digest)
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    [
        "sha256:baddigeststring", "sha256:", f":{ZEROS}", f"sha256:{ZEROS[1:]}", f"sha256:{ZEROS}0",
        f"sha256:{'AB' * 32}", f"SHA256:{ZEROS}", f"sha256:{ZEROS} ", f"sha256:{ZEROS}\n", f"sha512:{ZEROS}",
        f"sha256:{ZEROS}{ZEROS}", f"md5:{ZEROS[:32]}", f"sha1:{ZEROS[:40]}", f"sha384:{ZEROS[:32] * 3}",
        f"foo+bar:{ZEROS}", f"blake3:{ZEROS}", "sha256:../../../../etc/passwd", "sha256:%2e%2e%2f",
        f"sha256:{ZEROS[2:]}/..", f"sha256:{ZEROS[1:]}\x00", "latest:",
    ],
)  # fmt: skip
def test_a_reference_that_looks_like_a_digest_is_never_a_tag(text: str) -> None:
    with pytest.raises(DigestInvalid) as caught:
        parse_reference(text)
    assert (caught.value.status, caught.value.oci_code) == (400, "DIGEST_INVALID")


# -- projects, robots, people -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a", "library", "a.b_c-d", "0", "a" * 255])
def test_a_plain_name_fits_projects_and_robots(text: str) -> None:
    assert parse_project_name(text) == parse_robot_name(text) == text


@pytest.mark.parametrize(
    "text", ["", "A", "a__b", "a--b", "a.", ".a", "a/b", "a b", "a+b", "a$b", "a" * 256, "a\n", "ä"]
)
def test_other_names_fit_neither(text: str) -> None:
    with pytest.raises(ProjectNameInvalid):
        parse_project_name(text)
    with pytest.raises(RobotNameInvalid):
        parse_robot_name(text)


@pytest.mark.parametrize(
    ("text", "robot"), [("ci", RobotName(None, "ci")), ("team.a+ci-1", RobotName("team.a", "ci-1"))]
)
def test_a_stored_robot_name_tells_its_project(text: str, robot: RobotName) -> None:
    assert parse_stored_robot_name(text) == robot
    assert str(robot) == text


@pytest.mark.parametrize("text", ["", "+", "+ci", "team+", "a+b+c", "robot$ci", "Team+ci"])
def test_another_stored_robot_name_is_refused(text: str) -> None:
    with pytest.raises(RobotNameInvalid):
        parse_stored_robot_name(text)


@pytest.mark.parametrize("text", ["admin", "Ann Lee", "ann@example.org", "アン", "a" * 255, "O'Neil", "DOMAIN\\ann"])
def test_a_user_name_stays_as_typed(text: str) -> None:
    assert parse_user_name(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "a,b", 'a"b', "a~b", "a#b", "a%b", "robot$a", "a:b", " a", "a ", "a\n", "a\x00b", "a\u200bb", "a\u202eb",
        "a\u2028b", "\ud800", "a" * 256,
    ],
)  # fmt: skip
def test_a_user_name_that_would_mislead_is_refused(text: str) -> None:
    with pytest.raises(UserNameInvalid):
        parse_user_name(text)


@pytest.mark.parametrize(
    ("one", "other"), [("Ann", "aNN"), ("Zoe\u0308", "ZOË"), ("straße", "STRASSE"), ("ΣΑΣ", "σας")]
)
def test_names_that_differ_by_case_or_form_are_one_account(one: str, other: str) -> None:
    assert fold_user_name(one) == fold_user_name(other)


@given(st.text(max_size=300))
def test_folding_twice_changes_nothing(text: str) -> None:
    # Without final capitals whose folding grows the text beyond what is read.
    once = fold_user_name(text[:80])
    assert fold_user_name(once) == once


# -- every parser -----------------------------------------------------------------------------------------

PARSERS = [
    parse_repository,
    parse_tag,
    parse_reference,
    parse_project_name,
    parse_robot_name,
    parse_stored_robot_name,
    parse_user_name,
]


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.text(st.characters(), max_size=300))
def test_a_parser_raises_nothing_but_problems(parse: Callable[[str], object], text: str) -> None:
    with suppress(Problem):
        parse(text)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("piece", ["a", "a/", "a-", "a_", "-", "+", "a+", "sha256:", "\u0344"])
def test_100_kb_of_anything_are_refused_at_once(parse: Callable[[str], object], piece: str) -> None:
    text = piece * (100_000 // len(piece)) + "!"
    began = time.process_time()
    with pytest.raises(Problem):
        parse(text)
    assert time.process_time() - began < 1
