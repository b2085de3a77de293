"""The sizes that a manifest gives are those of what is stored: a client that checks could not pull it otherwise."""

import pytest

from tests.api.client import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Repo, descriptor, encode, image, index, subject


@pytest.mark.parametrize("which", ["config", "layer"])
async def test_a_size_that_is_not_that_of_the_blob_is_refused_naming_both(repo: Repo, which: str) -> None:
    await repo.image()
    manifest = image()
    right = descriptor(b"{}", OCI_CONFIG) if which == "config" else descriptor(b"layer")
    size = len(b"{}" if which == "config" else b"layer")
    wrong = {**right, "size": size + 7}
    manifest["config" if which == "config" else "layers"] = wrong if which == "config" else [wrong]

    answer = await repo.put("sized", encode(manifest), OCI_MANIFEST)

    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    (error,) = answer.json()["errors"]
    assert (error["detail"]["digest"], error["detail"]["stored_size"], error["detail"]["manifest_size"]) == (
        right["digest"], size, size + 7,
    )  # fmt: skip
    assert str(right["digest"]) in error["message"]
    assert f"{size + 7} bytes" in error["message"]
    assert (await repo.get("manifests/sized")).status == 404
    assert (await repo.put("sized", encode(image()), OCI_MANIFEST)).status == 201


async def test_a_size_in_an_index_that_is_not_that_of_the_child_is_refused(repo: Repo) -> None:
    await repo.image()
    child = encode(image())
    listed = index(image(), manifests=[{**subject(image()), "size": len(child) + 1}])

    answer = await repo.put("sized", encode(listed), OCI_INDEX)

    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    detail = answer.json()["errors"][0]["detail"]
    assert (detail["stored_size"], detail["manifest_size"]) == (len(child), len(child) + 1)


async def test_a_foreign_layer_may_give_any_size_though_its_blob_is_here(repo: Repo) -> None:
    await repo.image()
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    foreign = {**descriptor(b"layer", kind), "size": 12345, "urls": ["https://example.test/layer"]}
    manifest = {**image(), "layers": [foreign]}
    assert (await repo.put("sized", encode(manifest), OCI_MANIFEST)).status == 201
