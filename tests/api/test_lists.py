"""Tags, referrers and the catalog: whole, in order, page by page, and never more than was asked for."""

import re

import pytest

from tests.api.client import (
    OCI_INDEX,
    Answer,
    Client,
    Repo,
    Server,
    descriptor,
    digest_of,
    encode,
    image,
    index,
    subject,
)
from tests.api.conftest import Serve, administrator, make_project, make_robot
from tests.api.rows import row

SIGNATURE = "application/vnd.example.signature"
SBOM = "application/vnd.example.sbom+json"


def next_of(answer: Answer) -> str | None:
    """Where the next page is; None on the last."""
    link = answer.header("link")
    if link is None:
        return None
    found = re.fullmatch(r'<(/v2/[^>]+)>; rel="next"', link)
    assert found, link
    return found[1]


async def all_pages(repo: Repo, target: str, key: str) -> list[list[object]]:
    """Follow the links from a first page to the last."""
    pages, here = [], target
    while here:
        answer = await repo.get(here)
        assert answer.status == 200
        pages.append(list(answer.json()[key]))
        here = next_of(answer) or ""
    return pages


# -- tags -------------------------------------------------------------------------------------------------


async def test_tags_are_listed_in_byte_order(repo: Repo) -> None:
    await repo.image("b", "A", "a", "Z", "_", "0", "a-", "a.", "aa")

    answer = await repo.get("tags/list")

    assert answer.json() == {"name": repo.name, "tags": sorted(["b", "A", "a", "Z", "_", "0", "a-", "a.", "aa"])}
    assert answer.header("link") is None


async def test_pages_of_tags_are_full_but_the_last_and_miss_nothing(repo: Repo) -> None:
    tags = [f"v{number}" for number in range(7)]
    await repo.image(*tags)

    assert await all_pages(repo, f"/v2/{repo.name}/tags/list?n=3", "tags") == [tags[:3], tags[3:6], tags[6:]]
    assert await all_pages(repo, f"/v2/{repo.name}/tags/list?n=7", "tags") == [tags]
    assert (await repo.get("tags/list?last=v4")).json()["tags"] == ["v5", "v6"]
    assert (await repo.get("tags/list?last=v4x&n=1")).json()["tags"] == ["v5"]
    assert (await repo.get("tags/list?last=v6&n=1")).json()["tags"] == []


@row("N6")
async def test_no_tags_are_asked_for_and_none_come(repo: Repo) -> None:
    await repo.image("a")

    answer = await repo.get("tags/list?n=0")

    assert (answer.status, answer.json()["tags"], answer.header("link")) == (200, [], None)


async def test_an_unknown_repository_has_no_tag_list(repo: Repo) -> None:
    answer = await repo.get("tags/list")

    assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")


# -- referrers --------------------------------------------------------------------------------------------


async def test_referrers_show_type_size_and_annotations(repo: Repo) -> None:
    digest = await repo.image("base")
    plain = image(subject=subject(image()), annotations={"a": "1"})
    typed = image(subject=subject(image()), artifactType=SIGNATURE)
    listing = index(subject=subject(image()), artifactType=SBOM)
    for one in (plain, typed, listing):
        assert (await repo.put(digest_of(one), one)).header("oci-subject") == digest

    answer = await repo.get(f"referrers/{digest}")

    assert answer.header("content-type") == OCI_INDEX
    assert answer.header("oci-filters-applied") is None
    assert answer.json() == {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {**subject(plain), "artifactType": "application/vnd.oci.image.config.v1+json", "annotations": {"a": "1"}},
            {**subject(typed), "artifactType": SIGNATURE},
            {**subject(listing), "artifactType": SBOM},
        ],
    }


async def test_a_filter_that_is_claimed_is_applied(repo: Repo) -> None:
    await repo.image("base")
    typed = image(subject=subject(image()), artifactType=SBOM)
    other = image(subject=subject(image()), artifactType=SIGNATURE)
    for one in (typed, other):
        await repo.put(digest_of(one), one)

    answer = await repo.get(f"referrers/{digest_of(image())}?artifactType={SBOM.replace('+', '%2B')}")

    assert answer.header("oci-filters-applied") == "artifactType"
    assert [entry["digest"] for entry in answer.json()["manifests"]] == [digest_of(typed)]


async def test_a_subject_may_come_later_or_never(repo: Repo) -> None:
    await repo.image()
    early = image(subject=subject(image(annotations={"later": "yes"})))

    answer = await repo.put(digest_of(early), early)

    assert answer.status == 201
    found = await repo.get(f"referrers/{answer.header('oci-subject')}")
    assert [entry["digest"] for entry in found.json()["manifests"]] == [digest_of(early)]


@row("M14")
async def test_nobody_refers_to_what_is_not_known(repo: Repo) -> None:
    unknown = await repo.get(f"referrers/sha256:{'0' * 64}")
    await repo.image()
    nobody = await repo.get(f"referrers/{digest_of(image())}")

    for answer in (unknown, nobody):
        assert (answer.status, answer.header("content-type")) == (200, OCI_INDEX)
        assert answer.json() == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


@row("M14")
@pytest.mark.parametrize("digest", ["sha256:x", "latest", "md5:" + "0" * 32, "sha256:" + "A" * 64])
async def test_referrers_of_no_digest_are_400(repo: Repo, digest: str) -> None:
    answer = await repo.get(f"referrers/{digest}")

    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


@row("M14")
@pytest.mark.parametrize(
    ("query", "status", "found", "applied"),
    [
        ("artifactType=", 200, 1, None), ("artifactType=a&artifactType=b", 400, 0, None),
        ("artifactType=" + "a" * 10_000, 400, 0, None), ("artifactType=%00", 200, 0, "artifactType"),
        (f"artifactType={SIGNATURE}%00", 200, 0, "artifactType"), ("artifactType=.*", 200, 0, "artifactType"),
        ("artifactType=%25", 200, 0, "artifactType"), ("artifactType='--", 200, 0, "artifactType"),
        ("n=1", 200, 1, None),
        ("artifactType=%ff", 200, 0, "artifactType"), ("last=x", 400, 0, None), ("last=-1", 400, 0, None),
        ("last=" + "9" * 30, 200, 0, None), (f"artifactType={SIGNATURE}", 200, 1, "artifactType"),
    ],
)  # fmt: skip
async def test_odd_filters_match_nothing_and_break_nothing(
    repo: Repo, query: str, status: int, found: int, applied: str | None
) -> None:
    await repo.image()
    signature = image(subject=subject(image()), artifactType=SIGNATURE)
    await repo.put(digest_of(signature), signature)

    answer = await repo.get(f"referrers/{digest_of(image())}?{query}")

    assert answer.status == status
    if status == 200:
        assert len(answer.json()["manifests"]) == found
        assert answer.header("oci-filters-applied") == applied
    else:
        assert answer.code == "UNSUPPORTED"
        assert query.partition("=")[0] in answer.json()["errors"][0]["message"]


async def test_more_than_200_referrers_come_in_pages(repo: Repo) -> None:
    await repo.image()
    base = digest_of(image())
    types = [SIGNATURE if number % 2 else SBOM for number in range(205)]
    made = [
        image(subject=subject(image()), artifactType=kind, annotations={"n": str(number)})
        for number, kind in enumerate(types)
    ]
    for one in made:
        await repo.put(digest_of(one), one)

    pages = await all_pages(repo, f"/v2/{repo.name}/referrers/{base}", "manifests")
    filtered = await all_pages(repo, f"/v2/{repo.name}/referrers/{base}?artifactType={SIGNATURE}", "manifests")

    assert [len(page) for page in pages] == [200, 5]
    assert [entry["digest"] for page in pages for entry in page] == [digest_of(one) for one in made]  # type: ignore[index]  # JSON
    assert [len(page) for page in filtered] == [102]


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_what_older_clients_keep_under_the_fallback_tag_is_shown_too(repo: Repo, algorithm: str) -> None:
    """The tag is the algorithm and the first 64 digits. Source: distribution-spec, "Referrers Tag Schema"."""
    await repo.image()
    base = digest_of(image(), algorithm)
    await repo.put(base, image())
    new = image(subject=descriptor(encode(image()), "application/vnd.oci.image.manifest.v1+json", algorithm))
    old = image(annotations={"old": "yes"})
    for one in (new, old):
        assert (await repo.put(digest_of(one), one)).status == 201
    kept = index(old, new)
    kept["manifests"][0]["artifactType"] = SIGNATURE  # type: ignore[index]  # JSON
    tag = f"{algorithm}-{base.partition(':')[2][:64]}"

    assert (await repo.put(tag, kept)).status == 201

    everything = (await repo.get(f"referrers/{base}")).json()["manifests"]
    filtered = (await repo.get(f"referrers/{base}?artifactType={SIGNATURE}")).json()["manifests"]
    assert [entry["digest"] for entry in everything] == [digest_of(new), digest_of(old)]
    assert [entry["digest"] for entry in filtered] == [digest_of(old)]


async def test_a_long_fallback_index_is_shown_whole(repo: Repo) -> None:
    await repo.image()
    base = digest_of(image())
    children = [image(annotations={"n": str(number)}) for number in range(210)]
    for one in children:
        await repo.put(digest_of(one), one)

    await repo.put(base.replace(":", "-"), index(*children))

    found = (await repo.get(f"referrers/{base}")).json()["manifests"]
    assert [entry["digest"] for entry in found] == [digest_of(one) for one in children]


# -- catalog ----------------------------------------------------------------------------------------------


async def test_the_catalog_lists_repositories_that_hold_something_in_byte_order(serve: Serve) -> None:
    server = await serve()
    project = await make_project(server)
    pusher = await make_robot(server, project, "push", "delete")
    names = [f"{project}/{name}" for name in ("b", "a", "a-a", "a/b", "c1", "c")]
    for name in names:
        await pusher.repo(name).image("latest")
    await pusher.repo(f"{project}/empty").open()
    await pusher.repo(names[0]).delete(f"manifests/{digest_of(image())}")
    admin = administrator(server)
    headers = {"authorization": f"Bearer {await admin.token('registry:catalog:*')}"}

    whole = await server.send("GET", "/v2/_catalog", headers=headers)
    none = await server.send("GET", "/v2/_catalog?n=0", headers=headers)
    first = await server.send("GET", "/v2/_catalog?n=2", headers=headers)
    second = await server.send("GET", next_of(first) or "", headers=headers)
    third = await server.send("GET", next_of(second) or "", headers=headers)

    listed = sorted(names[1:])
    assert whole.json() == {"repositories": listed}
    assert (none.json(), none.header("link")) == ({"repositories": []}, None)
    pages = [answer.json()["repositories"] for answer in (first, second, third)]
    assert pages == [listed[:2], listed[2:4], listed[4:]]
    assert next_of(third) is None


async def test_the_catalog_is_for_administrators_only(app: Server, owner: Client, admin: Client) -> None:
    token = {"authorization": f"Bearer {await owner.token('registry:catalog:*')}"}

    for headers in ({}, token, owner.basic):
        answer = await app.send("GET", "/v2/_catalog", headers=headers)
        assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert (await app.send("GET", "/v2/_catalog?n=1", headers=admin.basic)).status == 200
