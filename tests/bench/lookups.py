"""Rows of small requests: manifests and blobs looked up, tags listed, tokens handed out."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count as count_up

from tests.bench import floor, store
from tests.bench.images import push_image
from tests.bench.load import Requests, Target, head_command, head_rate, send_all, send_side_by_side, write_requests
from tests.bench.report import Row, Side
from tests.bench.servers import ON_POSTGRES, ONE, PEER, TWO, Servers
from tests.bench.store import Shape
from tests.parts.base import Missing

SECONDS = 3
HEADS = 20_000
SLOW_HEADS = 3_000
"""The peers are measured for about as long as we are."""
MANY = 16


def measure_manifests(servers: Servers, rounds: int) -> Row:
    """GET of manifests by tag."""
    row = Row(
        "manifest-get", "GET of a manifest by tag", "req/s",
        f"ours: random over {servers.shape.artifacts:,} artifacts of {servers.shape.repositories} repositories of a "
        "private project, bearer tokens; peers: one manifest, no authorisation",
    )  # fmt: skip
    sides = []
    for peer in servers.peers:
        image = push_image(peer.target, "bench/one", "v1")
        requests = _write(servers, peer.target, row.name, [(f"/v2/bench/one/manifests/{image.tag}", "")])
        sides.append(_side(requests))
    for target in _ours(servers, ONE, TWO, ON_POSTGRES):
        paths = _authorised(target, store.list_manifest_paths(servers.shape), "/manifests/")
        sides.append(_side(_write(servers, target, row.name, paths)))
    if servers.nginx:
        sides.append(_side(_write(servers, servers.nginx.target, row.name, [("/v2/", "")])))
        row.notes.append("nginx answers `return 200`: what HTTP alone costs here, client included.")
    sides.append(
        _side(_write(servers, servers.floor, row.name, [("/v2/bench/one/manifests/v1", "Bearer " + "0" * 600)]))
    )
    _warm(sides)
    row.alternate(sides, rounds)
    for peer in servers.peers:
        row.ask(f"one worker on SQLite against {peer.target.label}", ONE, peer.target.label, 20)
    row.ask("one worker on SQLite against granian with an application that does nothing", ONE, floor.LABEL, 0.8)
    row.ask("two workers on PostgreSQL, which shares the cores, against docker-registry", ON_POSTGRES, PEER, 4)
    return row


def measure_heads(servers: Servers, rounds: int) -> Row:
    """HEAD of blobs."""
    row = Row("blob-head", "HEAD of a blob", "req/s", "one layer, 32 connections; ours: private project, bearer token")
    sides = []
    for peer in servers.peers:
        image = push_image(peer.target, "bench/one", "v1")
        sides.append(_head_side(peer.target, f"/v2/bench/one/blobs/{image.layer}", "", SLOW_HEADS))
    for target in _ours(servers, ONE, TWO, ON_POSTGRES):
        path = next(store.list_blob_paths(servers.shape))
        sides.append(_head_side(target, path, target.authorise(store.name_of(0)), HEADS))
    if servers.nginx:
        sides.append(_head_side(servers.nginx.target, "/v2/", "", HEADS))
    sides.append(_head_side(servers.floor, "/v2/bench/one/blobs/one", "Bearer " + "0" * 600, HEADS))
    _warm(sides)
    row.alternate(sides, rounds)
    for peer in servers.peers:
        row.ask(f"one worker on SQLite against {peer.target.label}", ONE, peer.target.label, 20)
    row.ask("one worker on SQLite against granian with an application that does nothing", ONE, floor.LABEL, 0.8)
    return row


def measure_tags(servers: Servers, rounds: int) -> Iterator[Row]:
    """The tags of a repository, a page and all of them."""
    tags = servers.shape.tags
    for peer in servers.peers:
        image = push_image(peer.target, "bench/tags", "v1.0")
        place = peer.folder / "data/docker/registry/v2/repositories/bench/tags/_manifests/tags/v1.1"
        if not place.exists():
            peer.link_tags("bench/tags", image.digest, [f"v1.{number}" for number in range(1, tags)])
    for name, query in (("tags-page", "?n=100"), ("tags-all", "")):
        what = "the first 100" if query else "all"
        row = Row(name, f"list {what} of {tags:,} tags", "req/s", f"GET /v2/.../tags/list{query}, 8 connections")
        path = f"/v2/bench/tags/tags/list{query}"
        sides = [_side(_write(servers, peer.target, name, [(path, "")], connections=8)) for peer in servers.peers]
        for target in _ours(servers, ONE, ON_POSTGRES):
            authorization = target.authorise("bench/tags")
            sides.append(_side(_write(servers, target, name, [(path, authorization)], connections=8)))
        _warm(sides)
        row.alternate(sides, rounds)
        row.ask("one worker on SQLite against docker-registry at the same number of tags", ONE, PEER, 5)
        yield row


def measure_tokens(servers: Servers, rounds: int) -> Row:
    """Token requests of a user who was seen before."""
    path = f"/service/token?service=harbor-registry&scope=repository:{store.name_of(0)}:pull"
    row = Row("token", "token request, known user", "req/s", f"GET {path}, Basic credentials of a member")
    ours = _ours(servers, ONE, TWO)
    sides = [_side(_write(servers, target, row.name, [(path, target.basic)])) for target in ours]
    _warm(sides)
    row.alternate(sides, rounds)
    row.limit("1,000 req/s with one worker", ONE, 1000)
    return row


def measure_puts(servers: Servers, rounds: int) -> Iterator[Row]:
    """PUT of manifests, on one connection and on several."""
    count = 2000
    targets = [*(peer.target for peer in servers.peers), *_ours(servers, ONE, ON_POSTGRES)]
    turn = count_up()
    for name, connections in (("manifest-put", 1), (f"manifest-put-{MANY}", MANY)):
        how = "one connection" if connections == 1 else f"{connections} connections"
        row = Row(
            name, f"PUT {count:,} manifests with a new tag each, {how}", "s",
            "manifests of about 600 bytes that share config and layer; ours: bearer token, each durable before its "
            "201; the peers do not sync to disk",
        )  # fmt: skip
        command = f"python: {count:,} x PUT /v2/bench/put/manifests/TAG on {how}"
        sides = [
            Side(target.label, command, partial(_put, target, turn, count, connections), target.pid)
            for target in targets
        ]
        row.alternate(sides, rounds)
        for peer in servers.peers:
            row.ask(f"one worker on SQLite against {peer.target.label}", ONE, peer.target.label, 3)
        yield row


def measure_growth(servers: Servers, rounds: int) -> Iterator[Row]:
    """The same work on stores ten times as large."""
    steps = [Shape(1, 1_000, 100), Shape(10, 10_000, 1_000), Shape(100, 100_000, 10_000)]
    rows = ("manifest-get", "tags-page", "tags-all")
    moorages = []
    try:
        for shape in steps[:-1]:
            moorage = servers.make_store(f"step-{shape.artifacts}", shape)
            moorages.append(moorage)
            moorage.start()
        targets = [
            Target(_step(shape), moorage.host, (store.USERNAME, store.PASSWORD), moorage.pid)
            for shape, moorage in zip(steps, [*moorages, servers.moorage(ONE)], strict=True)
        ]
        for name in rows:
            row = Row(f"growth-{name}", f"{name} as the store grows", "req/s", "one worker, SQLite, private project")
            sides = [
                _side(_write(servers, target, row.name, _list_requests(name, target, shape)))
                for target, shape in zip(targets, steps, strict=True)
            ]
            _warm(sides)
            row.alternate(sides, min(rounds, 2))
            if name != "tags-all":
                row.ask("the largest store against the smallest", targets[-1].label, targets[0].label, 0.8)
            yield row
    finally:
        for moorage in moorages:
            moorage.kill()


def _list_requests(name: str, target: Target, shape: Shape) -> Iterable[tuple[str, str]]:
    if name == "manifest-get":
        return _authorised(target, store.list_manifest_paths(shape), "/manifests/")
    query = "?n=100" if name == "tags-page" else ""
    return [(f"/v2/bench/tags/tags/list{query}", target.authorise("bench/tags"))]


def _step(shape: Shape) -> str:
    return f"{shape.artifacts:,} artifacts, {shape.repositories} repositories, {shape.tags:,} tags"


def _ours(servers: Servers, *labels: str) -> list[Target]:
    """The Moorages that can be measured here."""
    found = []
    for label in labels:
        try:
            found.append(servers.target(label))
        except Missing:
            continue
    return found


def _authorised(target: Target, paths: Iterable[str], mark: str) -> Iterator[tuple[str, str]]:
    """Paths with a token for the repository of each."""
    tokens: dict[str, str] = {}
    for path in paths:
        repository = path.removeprefix("/v2/").partition(mark)[0]
        if repository not in tokens:
            tokens[repository] = target.authorise(repository)
        yield path, tokens[repository]


def _write(
    servers: Servers, target: Target, row: str, paths: Iterable[tuple[str, str]], *, connections: int = 32
) -> Requests:
    safe = "".join(letter if letter.isalnum() else "-" for letter in f"{row}-{target.label}")
    return write_requests(target, servers.folder / f"{safe}.txt", paths, connections=connections)


def _side(requests: Requests) -> Side:
    seeds = count_up(1)
    return Side(
        requests.target.label,
        requests.command(SECONDS),
        lambda: requests.rate(SECONDS, next(seeds)),
        requests.target.pid,
    )


def _head_side(target: Target, path: str, authorization: str, count: int) -> Side:
    return Side(
        target.label,
        head_command(target, path, authorization, count),
        lambda: head_rate(target, path, authorization, count),
        target.pid,
    )


def _warm(sides: Iterable[Side]) -> None:
    """One turn that does not count: caches, connections, compiled statements."""
    for side in sides:
        side.measure()


def _put(target: Target, turns: Iterator[int], count: int, connections: int) -> float:
    """PUT manifests that differ in an annotation."""
    turn = next(turns)
    image = push_image(target, "bench/put", "first")
    authorization = target.authorise("bench/put", "pull,push")
    given = f"Authorization: {authorization}\r\n" if authorization else ""
    requests = []
    for number in range(count):
        raw = image.variant(f"{turn}.{number}")
        head = (
            f"PUT /v2/bench/put/manifests/t{turn}.{number} HTTP/1.1\r\nHost: {target.host}\r\n{given}"
            f"Content-Type: {store.MANIFEST_TYPE}\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        requests.append(head.encode() + raw)
    if connections == 1:
        return send_all(target.host, requests, expect=201)
    return send_side_by_side(target.host, requests, connections, expect=201)
