"""What is in artifacts beside their configs, through the REST API: histories, charts, models; and hostile archives."""

import asyncio
import gzip
import io
import json
import tarfile
from types import SimpleNamespace
from typing import Any

import pytest

from moorage.access.policy import Role
from moorage.inspection import additions, archives
from tests.api.client import Answer, Client, Repo, Server, descriptor, encode, image, index
from tests.api.conftest import make_project, make_user
from tests.api.rows import row
from tests.api.test_artifacts_api import at, get

CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MODEL_CONFIG = "application/vnd.cncf.model.config.v1+json"
MODEL_DOC = "application/vnd.cncf.model.doc.v1"
CHART_YAML = b"""\
apiVersion: v2
name: shop
version: 1.10
dependencies:
  - name: redis  # the cache
    version: "1.10"
    repository: oci://example.com/charts
  - {name: common, version: 2.x.x, condition: common.enabled}
"""
README = b"# Shop\n<script>alert(1)</script>\n"
HOSTILE = "hostile"


def tar(*entries: tuple[str, bytes], gzipped: bool = True, form: int = tarfile.PAX_FORMAT) -> bytes:
    """An archive of regular files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(out.getvalue(), 6) if gzipped else out.getvalue()


def links(*entries: tuple[str, bytes, str]) -> bytes:
    """An archive of links: name, type, target."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, target in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    return gzip.compress(out.getvalue())


CHART = tar(
    ("shop/Chart.yaml", CHART_YAML),
    ("shop/values.yaml", b"replicas: 1\n"),
    ("shop/README.md", README),
    ("shop/charts/redis/values.yaml", b"not: this\n"),
    ("shop/charts/redis/Chart.yaml", b"dependencies: [{name: not-this}]\n"),
)


async def push_chart(repo: Repo, tag: str, content: bytes, media_type: str = CHART_CONTENT) -> None:
    """Push a chart with this archive."""
    await push(repo, tag, CHART_CONFIG, [(content, media_type, "")])


async def push(repo: Repo, tag: str, config_type: str, layers: list[tuple[bytes, str, str]]) -> None:
    """Push an artifact of layers: content, media type, path."""
    await repo.blob(b"{}")
    for content, _, _ in layers:
        await repo.blob(content)
    described: list[dict[str, Any]] = []
    for content, media_type, path in layers:
        one = dict(descriptor(content, media_type))
        if path:
            one["annotations"] = {"org.cncf.model.filepath": path}
        described.append(one)
    answer = await repo.put(tag, {**image(), "config": descriptor(b"{}", config_type), "layers": described})
    assert answer.status == 201, answer


async def ask(app: Server, who: Client, repo: Repo, reference: str, addition: str) -> Answer:
    """GET an addition."""
    project, _, name = repo.name.partition("/")
    path = at(project, name, f"/artifacts/{reference}/additions/{addition}")
    return await app.send("GET", path, headers=who.basic)


async def linked(app: Server, who: Client, repo: Repo, reference: str) -> dict[str, str]:
    """The links of an artifact."""
    project, _, name = repo.name.partition("/")
    shown = await get(app, who, at(project, name, f"/artifacts/{reference}"))
    return {key: link["href"] for key, link in shown.get("addition_links", {}).items()}


async def test_an_image_shows_its_history(app: Server, admin: Client, repo: Repo) -> None:
    history = [{"created_by": "COPY . /", "created": "2020-01-01T00:00:00Z"}, {"empty_layer": True, "comment": "x"}]
    await repo.image("v1", config=encode({"os": "linux", "history": history}))
    await repo.image("none", config=b'{"os":"linux"}')
    answer = await ask(app, admin, repo, "v1", "build_history")
    assert (answer.status, answer.json()) == (200, history)
    assert answer.header("content-type") == "application/json; charset=utf-8"
    assert (await ask(app, admin, repo, "none", "build_history")).json() == []
    for config in (b"no json", b"[]", b'{"history": {}}', b'{"history": [1]}', b"{" + b" " * (1 << 20) + b"}"):
        await repo.image("bad", config=config)
        answer = await ask(app, admin, repo, "bad", "build_history")
        assert (answer.status, answer.code) == (422, "UNPROCESSABLE_ENTITY"), config[:20]


async def test_a_chart_shows_its_readme_values_and_dependencies(app: Server, admin: Client, repo: Repo) -> None:
    await push_chart(repo, "v1", CHART)
    found = {name: await ask(app, admin, repo, "v1", name) for name in ("readme.md", "values.yaml", "dependencies")}
    assert {name: answer.status for name, answer in found.items()} == dict.fromkeys(found, 200)
    assert (found["readme.md"].body, found["values.yaml"].body) == (README, b"replicas: 1\n")
    assert found["dependencies"].json() == [
        {"name": "redis", "version": "1.10", "repository": "oci://example.com/charts"},
        {"name": "common", "version": "2.x.x", "repository": ""},
    ]
    assert [answer.header("content-type") for answer in found.values()] == [
        "text/markdown; charset=utf-8", "text/plain; charset=utf-8", "application/json; charset=utf-8",
    ]  # fmt: skip


async def test_nothing_that_is_shown_can_run_in_a_browser(app: Server, admin: Client, repo: Repo) -> None:
    await push_chart(repo, "v1", CHART)
    answer = await ask(app, admin, repo, "v1", "readme.md")
    policies = [value for name, value in answer.headers if name == "content-security-policy"]
    assert "sandbox" in policies
    assert answer.header("x-content-type-options") == "nosniff"


async def test_a_chart_of_the_first_form_and_one_without_papers(app: Server, admin: Client, repo: Repo) -> None:
    old = b'dependencies:\n- name: mysql\n  version: "3"\n  repository: "@stable"\n'
    await push_chart(repo, "old", tar(("a/Chart.yaml", b"name: a\n"), ("a/requirements.yaml", old)))
    assert (await ask(app, admin, repo, "old", "dependencies")).json() == [
        {"name": "mysql", "version": "3", "repository": "@stable"}
    ]
    for name in ("readme.md", "values.yaml"):
        answer = await ask(app, admin, repo, "old", name)
        assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
async def test_long_names_are_read_in_every_form_of_tar(app: Server, admin: Client, repo: Repo, form: int) -> None:
    folder = "n" * 98
    await push_chart(repo, "v1", tar((f"{folder}/values.yaml", b"a: 1\n"), ("x/y", b"z" * 600), form=form))
    assert (await ask(app, admin, repo, "v1", "values.yaml")).body == b"a: 1\n"


async def test_a_model_shows_its_papers_and_files(app: Server, admin: Client, repo: Repo) -> None:
    await push(
        repo,
        "v1",
        MODEL_CONFIG,
        [
            (tar(("README.md", b"# M\n"), gzipped=False), f"{MODEL_DOC}.tar", "README.md"),
            (b"Apache", f"{MODEL_DOC}.raw", "LICENSE"),
            (b"weights", "application/vnd.cncf.model.weight.v1.raw", "data/a/model.bin"),
        ],
    )
    readme, text = await ask(app, admin, repo, "v1", "readme.md"), await ask(app, admin, repo, "v1", "license")
    assert (readme.body, readme.header("content-type")) == (b"# M\n", "text/markdown; charset=utf-8")
    assert (text.body, text.header("content-type")) == (b"Apache", "text/plain; charset=utf-8")
    listed = (await ask(app, admin, repo, "v1", "files")).json()
    assert [one["name"] for one in listed] == ["data", "LICENSE", "README.md"]
    assert listed[0] == {
        "name": "data",
        "type": "directory",
        "children": [
            {"name": "a", "type": "directory", "children": [{"name": "model.bin", "type": "file", "size": 7}]}
        ],
    }
    await push(repo, "deep", MODEL_CONFIG, [(b"w", "application/x", "a/" * 100 + "b")])
    assert (await ask(app, admin, repo, "deep", "files")).status == 422
    assert (await ask(app, admin, repo, "deep", "license")).status == 404


async def test_links_name_what_is_answered_and_nothing_else_is(app: Server, admin: Client, repo: Repo) -> None:
    await repo.image("image")
    await push_chart(repo, "chart", CHART)
    await push(
        repo, "model", MODEL_CONFIG, [(b"r", f"{MODEL_DOC}.raw", "README"), (b"l", f"{MODEL_DOC}.raw", "LICENSE")]
    )
    weights = (b"w", "application/vnd.cncf.model.weight.v1.raw", "model.bin")
    await push(repo, "bare", MODEL_CONFIG, [weights])
    await push(repo, "read", MODEL_CONFIG, [weights, (b"r", f"{MODEL_DOC}.raw", "README.md")])
    child = image(layers=(b"layer",))
    await repo.put("child", child)
    assert (await repo.put("index", index(child))).status == 201
    every = {"build_history", "values.yaml", "readme.md", "dependencies", "license", "files", "sbom", "x", "..%252Fx"}
    for reference, count in (("image", 1), ("chart", 3), ("model", 3), ("bare", 1), ("read", 2), ("index", 0)):
        hrefs = await linked(app, admin, repo, reference)
        assert len(hrefs) == count
        for href in hrefs.values():
            assert (await app.send("GET", href, headers=admin.basic)).status == 200, href
        for name in every - set(hrefs):
            answer = await ask(app, admin, repo, reference, name)
            absent = "%" in name or (reference in {"bare", "read"} and name in {"readme.md", "license"})
            assert answer.status in ({400, 404} if absent else {400}), (reference, name)
    project, _, name = repo.name.partition("/")
    page = await get(app, admin, at(project, name, "/artifacts?page_size=50"))
    listed = {one["tags"][0]["name"]: set(one.get("addition_links", {})) for one in page}
    assert listed["bare"] == {"files"}
    assert listed["read"] == {"files", "readme.md"}
    assert listed["model"] == {"files", "readme.md", "license"}


async def test_who_may_not_read_it_or_asks_for_what_is_not_there(app: Server, admin: Client, repo: Repo) -> None:
    await push_chart(repo, "v1", CHART)
    project = repo.name.partition("/")[0]
    other = await make_project(app)
    stranger, guest = await make_user(app, {other: Role.PROJECT_ADMIN}), await make_user(app, {project: Role.GUEST})
    assert (await ask(app, guest, repo, "v1", "values.yaml")).status == 200
    assert (await ask(app, stranger, repo, "v1", "values.yaml")).status in {403, 404}
    foreign = Repo(stranger, f"{other}/app")
    for reference in ("v1", "nothing", "sha256:" + "0" * 64, "-1"):
        assert (await ask(app, stranger, foreign, reference, "values.yaml")).status == 404
    assert (await ask(app, admin, repo, "v2", "values.yaml")).status == 404


def _header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    """A header of a tar archive whose size says anything."""
    raw = bytearray(512)
    raw[: len(name)], raw[124 : 124 + len(size)], raw[156:157], raw[257:265] = name, size, kind, b"ustar\x0000"
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def _pax(record: bytes) -> bytes:
    body = record.ljust(-(-len(record) // 512) * 512, b"\0")
    return _header(b"x", b"%011o" % len(record), b"x") + body + _header(b"a/values.yaml", b"00000000001") + b"x" * 512


BOMBS = {
    "zeros": tar(("a/zeros", bytes(60 << 20))),
    "large file": tar(("a/values.yaml", b"\n".join(b"%d" % number for number in range(200_000)))),
    "many entries": tar(*((f"a/{number}", b"") for number in range(10_001))),
    "twice": tar(("a/values.yaml", b"a: 1"), ("b/values.yaml", b"a: 2")),
    "truncated": CHART[: len(CHART) // 2],
    "no gzip": tar(("a/values.yaml", b"a"), gzipped=False),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(50),
    "nested gzip": gzip.compress(CHART),
    "damaged": CHART[:60] + bytes(20) + CHART[80:],
    "empty": b"\x1f\x8b\x08",
    "negative size": gzip.compress(_header(b"a/values.yaml", b"\xff" * 12)),
    "8 EiB": gzip.compress(_header(b"a/values.yaml", b"\x80\0\0\0\x7f" + b"\xff" * 7)),
    "longer than there is": gzip.compress(_header(b"a/b", b"77777777777")),
    "two sizes": gzip.compress(_pax(b"12 size=500\n")),
    "sparse": gzip.compress(_pax(b"22 GNU.sparse.major=1\n")),
    "bad pax": gzip.compress(_pax(b"99999 path=x\n")),
    "long name": gzip.compress(_header(b"x", b"%011o" % (1 << 20), b"L") + bytes(1 << 20)),
    "pax chain": gzip.compress((_header(b"x", b"%011o" % 9, b"x") + b"9 path=a\n".ljust(512, b"\0")) * 20_000),
}


@row("Z1", "Z2", "Z4")
@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_hostile_archive_is_refused_with_a_reason_and_soon(
    app: Server, admin: Client, repo: Repo, bomb: str
) -> None:
    await push_chart(repo, HOSTILE, BOMBS[bomb])
    answer = await ask(app, admin, repo, HOSTILE, "values.yaml")
    assert (answer.status, answer.code) == (422, "UNPROCESSABLE_ENTITY"), answer
    reason = answer.json()["errors"][0]["detail"]["reason"]
    assert reason in {"ARCHIVE_INVALID", "ARCHIVE_LIMIT"}
    assert (reason == "ARCHIVE_LIMIT") == (bomb in {"zeros", "large file", "many entries", "long name", "pax chain"})


@row("Z2")
async def test_links_and_odd_paths_in_an_archive_lead_nowhere(app: Server, admin: Client, repo: Repo) -> None:
    for number, content in enumerate(
        (
            links(("a/values.yaml", tarfile.SYMTYPE, "/etc/passwd"), ("a/README.md", tarfile.LNKTYPE, "a/values.yaml")),
            tar(("../values.yaml", b"up"), ("/values.yaml", b"root"), ("values.yaml", b"top"), ("./values.yaml", b".")),
        )
    ):
        await push_chart(repo, f"v{number}", content)
        answer = await ask(app, admin, repo, f"v{number}", "values.yaml")
        assert (answer.status, answer.body) == (200, b"")


YAML_BOMBS = {
    "aliases": b"a: &a [x, x]\nb: &b [*a, *a]\ndependencies: [*b, *b]\n",
    "deep": b"a: " + b"[" * 5_000,
    "broken": b"a: [\n",
    "long": b"a: 1\n" * 40_000,
    "binary": b"\xff\xfe\0\0",
}


@row("Z5")
@pytest.mark.parametrize("bomb", YAML_BOMBS)
async def test_hostile_yaml_is_refused(app: Server, admin: Client, repo: Repo, bomb: str) -> None:
    await push_chart(repo, HOSTILE, tar(("a/Chart.yaml", YAML_BOMBS[bomb])))
    answer = await ask(app, admin, repo, HOSTILE, "dependencies")
    assert (answer.status, answer.json()["errors"][0]["detail"]["reason"]) == (422, "ADDITION_INVALID"), answer


@row("Z5")
async def test_yaml_constructs_nothing(app: Server, admin: Client, repo: Repo) -> None:
    hostile = b"dependencies:\n- name: !!python/object/apply:os.system [exit]\n  version: !!int 1\n- text\n? [a]\n: b\n"
    await push_chart(repo, "v1", tar(("a/Chart.yaml", hostile)))
    answer = await ask(app, admin, repo, "v1", "dependencies")
    assert json.loads(answer.body) == [{"name": "", "version": "1", "repository": ""}]


async def test_many_at_a_time_are_all_answered(app: Server, admin: Client, repo: Repo) -> None:
    await push_chart(repo, "v1", CHART)
    answers = await asyncio.gather(*(ask(app, admin, repo, "v1", "values.yaml") for _ in range(20)))
    assert [answer.status for answer in answers] == [200] * 20


# -- turns and time ---------------------------------------------------------------------------------------


async def test_who_waits_too_long_for_a_turn_is_told_to_come_again(
    app: Server, admin: Client, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two are read at a time, each whole in memory; what the third gets is 429, and its turn when one is done."""
    await push_chart(repo, "v1", CHART)
    opened, started = asyncio.Event(), asyncio.Semaphore(0)
    read = additions._read

    async def slowly(*args: Any) -> additions.Addition:
        started.release()
        await opened.wait()
        return await read(*args)

    monkeypatch.setattr(additions, "_read", slowly)
    monkeypatch.setattr(additions, "_WAIT_SECONDS", 0.05)
    both = [asyncio.create_task(ask(app, admin, repo, "v1", "readme.md")) for _ in range(2)]
    for _ in both:
        await started.acquire()
    third = await ask(app, admin, repo, "v1", "readme.md")
    opened.set()
    assert [one.status for one in await asyncio.gather(*both)] == [200, 200]

    assert (third.status, third.code) == (429, "TOO_MANY_REQUEST")
    assert int(third.header("retry-after") or 0) > 0
    assert (await ask(app, admin, repo, "v1", "readme.md")).status == 200


async def test_an_archive_is_read_for_so_long_and_no_longer(
    app: Server, admin: Client, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is within all other bounds and slow still ends: the clock is looked at for each entry and each piece."""
    many = tar(*((f"shop/templates/{number}.yaml", b"x" * 1000) for number in range(5_000)), ("shop/README.md", README))
    await push_chart(repo, "many", many)
    assert (await ask(app, admin, repo, "many", "readme.md")).body == README

    monkeypatch.setattr(archives, "MAX_SECONDS", 0.0)
    answer = await ask(app, admin, repo, "many", "readme.md")
    assert (answer.status, answer.code) == (422, "UNPROCESSABLE_ENTITY")
    assert answer.json()["errors"][0]["detail"]["limit"] == "0 s"

    seconds = 0.0

    def clock() -> float:
        nonlocal seconds
        seconds += 0.01
        return seconds

    monkeypatch.setattr(archives, "MAX_SECONDS", 3.0)
    monkeypatch.setattr(archives, "time", SimpleNamespace(monotonic=clock))
    answer = await ask(app, admin, repo, "many", "readme.md")
    assert answer.status == 422
    assert seconds < 3.2, "it stopped at the first look after its time"
