"""What a policy takes, and what it is called at the other side."""

import pytest

from moorage.errors import ReplicationInvalid
from moorage.oci.platforms import Platform
from moorage.replication.filters import Filter, check_filters, compile_filters, is_signature, rename

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("count", "name"),
    [(-1, "n/img"), (0, "n/a/b/c/img"), (1, "n/b/c/img"), (2, "n/c/img"), (3, "n/img")],
)
def test_a_namespace_replaces_as_many_parts_as_are_told(count: int, name: str) -> None:
    assert rename("a/b/c/img", "n", count) == name


def test_without_a_namespace_a_name_stays_and_a_short_one_is_refused() -> None:
    assert rename("a/b/c/img", "", 2) == "a/b/c/img"
    assert rename("a/img", "n/m", -1) == "n/m/img"
    with pytest.raises(ReplicationInvalid, match="4 parts of a name are to be replaced"):
        rename("a/b/c/img", "n", 4)


@pytest.mark.parametrize(
    ("filters", "tags", "kept"),
    [
        ([], ["v1", "latest"], ("v1", "latest")),
        ([], [], ()),
        ([("**", "")], [], ()),
        ([("v*", "")], [], None),
        ([("v*", "excludes")], [], ()),
        ([("v*", "")], ["v1", "latest"], ("v1",)),
        ([("v*", "excludes")], ["v1", "latest"], ("latest",)),
        ([("v*", ""), ("*2", "excludes")], ["v1", "v2"], ("v1",)),
        ([("x*", "")], ["v1"], None),
        ([], [f"sha256-{HEX}.sig"], None),
        ([], [f"sha256-{HEX}.sig", "v1"], ("v1",)),
    ],
)
def test_a_filter_keeps_tags(filters: list[tuple[str, str]], tags: list[str], kept: tuple[str, ...] | None) -> None:
    compiled = compile_filters([Filter(type="tag", value=value, decoration=how) for value, how in filters])

    assert compiled.keep_tags(tags) == kept


def test_tags_that_hang_something_on_a_digest_are_known() -> None:
    assert all(map(is_signature, (f"sha256-{HEX}", f"sha256-{HEX}.sig", f"sha256-{HEX}.sbom", f"sha512-{HEX * 2}.att")))
    assert not any(map(is_signature, ("sha256-1.sig", f"sha256-{HEX}.txt", f"x-sha256-{HEX}", "v1")))


def test_names_labels_kinds_and_platforms() -> None:
    compiled = compile_filters(
        check_filters(
            [
                Filter(type="name", value="team/**"), Filter(type="name", value=".*/app", kind="regex"),
                Filter(type="label", value=["a", "b"]), Filter(type="label", value=["c"], decoration="excludes"),
                Filter(type="resource", value="image"),
                Filter(type="platform", value=["linux/arm64/v8", "linux/arm/*"]),
            ]
        )
    )  # fmt: skip

    assert compiled.pattern == "team/**"
    assert [compiled.takes_repository(name) for name in ("team/app", "team/x/app", "team/web", "app")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [compiled.takes_labels(labels) for labels in (["a", "b"], ["a"], ["a", "b", "c"])] == [True, False, False]
    assert [compiled.takes_kind(kind) for kind in ("IMAGE", "CHART", "")] == [True, False, True]
    platforms = [Platform("linux", "arm64"), Platform("linux", "arm", "v7"), Platform("linux", "amd64")]
    assert [compiled.takes_platform(one) for one in platforms] == [True, True, False]
