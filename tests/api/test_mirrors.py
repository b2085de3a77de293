"""Mirrors: hosts, ports and `?ns=` that lead into a project; who may make them, and that they give nobody a right."""

import asyncio
import re
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from moorage.access.policy import Role
from moorage.distribution import lists
from moorage.mirrors import live
from moorage.oci.digest import compute
from moorage.projects import service as projects
from moorage.trash.restore import restore
from tests.api.client import HOST, SERVICE, Answer, Client, Server, encode
from tests.api.conftest import Serve, administrator, make_project, make_robot, make_user, project_id
from tests.api.test_artifacts_api import BASE
from tests.api.workers import until

JSON = {"content-type": "application/json"}
MIRROR = "hub.test"


@pytest_asyncio.fixture(loop_scope="session")
async def server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server of the test's own: what a mirror changes, it changes for everybody."""
    monkeypatch.setattr(live, "WATCH_SECONDS", 0.02)
    return await serve(external_url=f"https://{HOST}")


async def make(server: Server, kind: str, name: str, project: str, *, who: Client | None = None) -> Answer:
    """Make a mirror."""
    body = encode({"kind": kind, "name": name, "project_name": project})
    headers = {**(who or administrator(server)).basic, **JSON}
    return await server.send("POST", f"{BASE}/mirrors", body, headers=headers)


async def made(server: Server, kind: str, name: str, project: str) -> str:
    """Make a mirror that has to be good; its path."""
    answer = await make(server, kind, name, project)
    assert (answer.status, answer.body) == (201, b""), answer
    return answer.location


async def settled(server: Server, *, host: str, realm: str) -> None:
    """Wait until the challenge at a host leads to this realm; then mirrors that were made before hold, too."""

    async def look() -> bool:
        return (await server.send("GET", "/v2/", host=host)).challenge.get("realm") == realm

    await until(look)


async def pull(server: Server, path: str, *, host: str, who: Client | None = None, scope: str = "") -> Answer:
    """What a client does: ask, go where the challenge says, ask for `scope` there, and come back with the token.

    Args:
        scope: what the client asks for; empty: what the challenge says. docker never reads that.
    """
    first = await server.send("GET", path, host=host)
    if first.status != 401:
        return first
    realm = first.challenge["realm"].removeprefix(f"https://{HOST}")
    query = f"service={SERVICE}&scope={quote(scope or first.challenge['scope'])}"
    token = await server.send("GET", f"{realm}?{query}", headers=who.basic if who else {})
    assert token.status == 200, token
    bearer = {"authorization": f"Bearer {token.json()['token']}"}
    return await server.send("GET", path, host=host, headers=bearer)


# -- pulls ------------------------------------------------------------------------------------------------


async def test_a_pull_needs_no_changed_name_by_host_port_and_ns(server: Server) -> None:
    project = await make_project(server, public=True)
    pusher = (await make_robot(server, project, "pull", "push")).repo(f"{project}/library/nginx")
    digest = await pusher.image("1", layers=[b"of the hub"])
    await made(server, "port", "5001", project)
    await made(server, "ns", "docker.io", project)
    await made(server, "host", MIRROR, project)
    realm = f"https://{HOST}/service/token/{project}"
    await settled(server, host=MIRROR, realm=realm)

    manifest = "/v2/library/nginx/manifests/1"
    ways = [
        (manifest, MIRROR),
        (manifest, MIRROR.upper()),
        (manifest, f"{MIRROR}:8443"),
        (manifest, "127.0.0.1:5001"),
        (manifest, f"{HOST}:5001"),
        (f"{manifest}?ns=docker.io", HOST),
        (f"{manifest}?ns=Docker.IO", HOST),
        (f"{manifest}?ns=docker.io", "127.0.0.1:5001"),
    ]
    for path, host in ways:
        challenge = (await server.send("GET", path, host=host)).challenge
        assert challenge["realm"] == realm, (path, host)
        assert challenge["scope"] == f"repository:{project}/library/nginx:pull"
        scopes = ("", "repository:library/nginx:pull", f"{challenge['scope']} repository:library/nginx:pull")
        for scope in scopes:
            answer = await pull(server, path, host=host, scope=scope)
            assert answer.status == 200, (path, host, scope, answer)
            assert answer.header("docker-content-digest") == digest

    # Its blobs, by HEAD and GET, and with the registry's own name it is what it was.
    layer = str(compute(b"of the hub"))
    answer = await pull(server, f"/v2/library/nginx/blobs/{layer}?ns=docker.io", host=HOST)
    assert (answer.status, answer.body) == (200, b"of the hub")
    answer = await pull(server, f"/v2/{project}/library/nginx/manifests/1", host=HOST)
    assert answer.header("docker-content-digest") == digest
    plain = await server.send("GET", manifest, host=HOST)
    assert plain.challenge == {
        "realm": f"https://{HOST}/service/token", "service": SERVICE, "scope": "repository:library/nginx:pull",
    }  # fmt: skip


async def test_lists_through_a_mirror_have_the_names_that_the_client_knows(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = await make_project(server)
    robot = await make_robot(server, project, "pull", "push")
    for name in ("library/a", "library/b", "tool"):
        await robot.repo(f"{project}/{name}").image("1", "2", "3")
    other = await make_project(server)
    await (await make_robot(server, other, "pull", "push")).repo(f"{other}/zzz").image("1")
    subject = await robot.repo(f"{project}/library/a").image("of", layers=[b"subject"])
    manifest = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": subject, "size": 1}
    monkeypatch.setattr(lists, "_REFERRERS_PAGE", 3)
    for number in range(4):
        await robot.repo(f"{project}/library/a").image(subject=manifest, annotations={"n": str(number)})
    await made(server, "ns", "docker.io", project)
    await made(server, "host", MIRROR, project)
    await settled(server, host=MIRROR, realm=f"https://{HOST}/service/token/{project}")

    for host, ns in ((HOST, "ns=docker.io"), (MIRROR, "")):
        walk = partial(_walk, server, host, ns)
        pages = await walk("/v2/library/a/tags/list?n=2&", robot)
        assert [page["tags"] for page in pages] == [["1", "2"], ["3", "of"]]
        assert {page["name"] for page in pages} == {"library/a"}
        assert await walk("/v2/library/a/tags/list?n=0&", robot) == [{"name": "library/a", "tags": []}]
        assert (await walk("/v2/library/b/tags/list?", robot))[0] == {"name": "library/b", "tags": ["1", "2", "3"]}
        pages = await walk(f"/v2/library/a/referrers/{subject}?", robot)
        assert [len(page["manifests"]) for page in pages] == [3, 1]
        pages = await walk("/v2/_catalog?n=2&", administrator(server))
        assert [page["repositories"] for page in pages] == [["library/a", "library/b"], ["tool"]]
    everything = await pull(server, "/v2/_catalog", host=HOST, who=administrator(server))
    assert f"{other}/zzz" in everything.json()["repositories"]


async def _walk(server: Server, host: str, ns: str, path: str, who: Client) -> list[Any]:
    """All pages of a list."""
    found, path = [], f"{path}{ns}"
    while path:
        answer = await pull(server, path, host=host, who=who)
        assert answer.status == 200, answer
        found.append(answer.json())
        link = re.fullmatch(r'<(/v2/[^>]*)>; rel="next"', answer.header("link") or "")
        path = link[1] if link else ""
    return found


async def test_a_mirror_is_for_reading(server: Server) -> None:
    project = await make_project(server, public=True)
    robot = await make_robot(server, project, "pull", "push", "delete")
    digest = await robot.repo(f"{project}/library/nginx").image("1")
    await made(server, "host", MIRROR, project)
    await settled(server, host=MIRROR, realm=f"https://{HOST}/service/token/{project}")

    rest = [
        ("POST", "blobs/uploads/"), ("GET", "blobs/uploads/1234"), ("PATCH", "blobs/uploads/1234"),
        ("PUT", "blobs/uploads/1234?digest=" + digest), ("DELETE", "blobs/uploads/1234"), ("PUT", "manifests/2"),
        ("DELETE", "manifests/1"), ("DELETE", f"blobs/{digest}"), ("POST", "tags/list"),
    ]  # fmt: skip
    for method, path in rest:
        for headers in ({}, robot.basic):
            answer = await server.send(method, f"/v2/library/nginx/{path}", host=MIRROR, headers=headers)
            assert (answer.status, answer.code) == (403, "DENIED"), (method, path, answer)
            assert answer.json()["errors"][0]["detail"]["reason"] == "MIRROR_READ_ONLY"
    assert (await robot.repo(f"{project}/library/nginx").get("manifests/1")).status == 200


# -- what a mirror must not do ----------------------------------------------------------------------------


async def test_a_mirror_gives_nobody_a_right(server: Server) -> None:
    project = await make_project(server)
    robot = await make_robot(server, project, "pull", "push")
    await robot.repo(f"{project}/library/nginx").image("1")
    stranger = await make_user(server)
    await made(server, "ns", "docker.io", project)
    await made(server, "host", MIRROR, project)
    await settled(server, host=MIRROR, realm=f"https://{HOST}/service/token/{project}")

    for path, host in (("/v2/library/nginx/manifests/1", MIRROR), ("/v2/library/nginx/manifests/1?ns=docker.io", HOST)):
        for who in (None, stranger):
            for scope in ("", "repository:library/nginx:pull,push"):
                answer = await pull(server, path, host=host, who=who, scope=scope)
                assert (answer.status, answer.code) == (401, "UNAUTHORIZED"), (host, scope)
        answer = await server.send("GET", path, host=host, headers=stranger.basic)
        assert answer.status == 401
        assert (await pull(server, path, host=host, who=robot)).status == 200
        assert (await server.send("GET", path, host=host, headers=robot.basic)).status == 200
        # What is not there is as forbidden as what is.
        missing = await pull(server, path.replace("nginx", "nothing"), host=host, who=stranger)
        assert (missing.status, missing.code) == (401, "UNAUTHORIZED")
    # A token from the endpoint of a mirror is one for the repositories that it names, and not more than may be.
    token = await server.send(
        "GET", f"/service/token/{project}?service={SERVICE}&scope=repository:library/nginx:pull,push,delete",
        headers=robot.basic,
    )  # fmt: skip
    bearer = {"authorization": f"Bearer {token.json()['token']}"}
    name = f"/v2/{project}/library/nginx"
    assert (await server.send("GET", f"{name}/manifests/1", headers=bearer)).status == 200
    assert (await server.send("DELETE", f"{name}/manifests/1", headers=bearer)).status == 401


async def test_a_registry_that_is_not_mirrored_is_never_taken_for_another(server: Server) -> None:
    """Somebody who owns the project `library` here must not answer for `ghcr.io/library/x`."""
    project = await make_project(server, public=True)
    robot = await make_robot(server, project, "pull", "push")
    digest = await robot.repo(f"{project}/tool").image("1")
    path = f"/v2/{project}/tool/manifests/1"
    # Without any mirror the field is nothing to us, as before.
    assert (await pull(server, f"{path}?ns=ghcr.io", host=HOST)).header("docker-content-digest") == digest

    location = await made(server, "host", MIRROR, project)
    await settled(server, host=MIRROR, realm=f"https://{HOST}/service/token/{project}")
    for host in (HOST, MIRROR, "127.0.0.1"):
        for query in ("ns=ghcr.io", "ns=ghcr.io:443", "ns=%00", "ns=a/b", "n=1&ns=" + "x" * 300):
            answer = await server.send("GET", f"{path}?{query}", host=host, headers=robot.basic)
            assert (answer.status, answer.code) == (404, "NAME_UNKNOWN"), (host, query, answer)
    # Its own names are its own, however it was reached.
    for query in (f"ns={HOST}", f"ns={HOST}:443", "ns=", "xns=ghcr.io"):
        answer = await server.send("GET", f"{path}?{query}", host="127.0.0.1", headers=robot.basic)
        assert answer.status == 200, (query, answer)
    answer = await server.send("GET", f"/v2/tool/manifests/1?ns={MIRROR}", host=MIRROR, headers=robot.basic)
    assert answer.status == 200
    twice = await server.send("GET", f"{path}?ns=ghcr.io&ns={HOST}", headers=robot.basic)
    assert twice.status == 400

    # Without it everything is as it was, and the host is nobody's.
    assert (await server.send("DELETE", location, headers=administrator(server).basic)).status == 200

    async def gone() -> bool:
        return (await server.send("GET", "/v2/", host=MIRROR)).status == 400

    await until(gone)
    assert (await pull(server, f"{path}?ns=ghcr.io", host=HOST)).header("docker-content-digest") == digest


async def test_a_project_in_the_trash_leads_nowhere_and_comes_back(server: Server) -> None:
    project = await make_project(server, public=True)
    number = await project_id(server, project)
    await made(server, "host", MIRROR, project)
    await settled(server, host=MIRROR, realm=f"https://{HOST}/service/token/{project}")
    path = "/v2/library/nginx/manifests/1"

    await server.run(projects.delete_project, number)

    async def nowhere() -> bool:
        return (await server.send("GET", path, host=MIRROR)).status == 404

    await until(nowhere)
    answer = await server.send("GET", path, host=MIRROR, headers=administrator(server).basic)
    assert answer.code == "NAME_UNKNOWN"
    # A new project of the same name is another one.
    await server.run(projects.create_project, project, public=True)
    await asyncio.sleep(0.1)
    assert (await server.send("GET", path, host=MIRROR)).status == 404
    (shown,) = (await server.send("GET", f"{BASE}/mirrors", headers=administrator(server).basic)).json()
    assert (shown["project_id"], shown["in_trash"]) == (number, True)
    # It follows the project, also under another name.
    ((act,),) = await server.rows("SELECT id FROM trash WHERE project_id = :p", p=number)
    await server.run(restore, act, {project: f"{project}-again"})
    await settled(server, host=MIRROR, realm=f"https://{HOST}/service/token/{project}-again")


async def test_a_forwarded_host_counts_from_a_trusted_proxy_only(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WATCH_SECONDS", 0.02)
    server = await serve(trusted_proxies=("192.0.2.1/32",))
    project = await make_project(server, public=True)
    await made(server, "host", MIRROR, project)
    await settled(server, host=MIRROR, realm=f"http://{MIRROR}/service/token/{project}")
    path, forwarded = "/v2/library/nginx/manifests/1", {"x-forwarded-host": MIRROR, "x-forwarded-proto": "https"}

    trusted = await server.send("GET", path, headers=forwarded, address="192.0.2.1")
    forged = await server.send("GET", path, headers=forwarded, address="192.0.2.2")

    assert trusted.challenge["realm"] == f"https://{MIRROR}/service/token/{project}"
    assert forged.challenge["realm"] == f"http://{HOST}/service/token"


async def test_credentials_of_another_registry_are_nobodys_where_a_mirror_is_asked(server: Server) -> None:
    public, private = await make_project(server, public=True), await make_project(server)
    for project in (public, private):
        await (await make_robot(server, project, "pull", "push")).repo(f"{project}/library/nginx").image("1")
    somebody = await make_user(server, {private: Role.DEVELOPER})
    scope = "scope=repository:library/nginx:pull,push"
    form = {"content-type": "application/x-www-form-urlencoded"}

    async def token(project: str, who: Client, scope: str, *, by_post: bool) -> Answer:
        path = f"/service/token{project and '/'}{project}"
        if not by_post:
            target = f"{path}?service={SERVICE}&offline_token=true&{scope}"
            return await server.send("GET", target, headers=who.basic)
        words = f"grant_type=password&client_id=x&access_type=offline&service={SERVICE}&{scope}"
        sent = f"{words}&username={who.username}&password={quote(who.password)}".encode()
        return await server.send("POST", path, sent, headers=form)

    async def status(project: str, answer: Answer, method: str = "GET") -> int:
        headers = {"authorization": f"Bearer {answer.json()['token']}"}
        return (await server.send(method, f"/v2/{project}/library/nginx/manifests/1", headers=headers)).status

    foreign = Client(server, somebody.username, "of another registry")
    for by_post in (False, True):
        for _ in range(5):  # until it is slowed down, and then as well
            answer = await token(public, foreign, scope, by_post=by_post)
            assert answer.status == 200, answer
            assert "refresh_token" not in answer.json()
            assert await status(public, answer) == 200
            assert await status(public, answer, "DELETE") == 401
            assert await status(private, await token(private, foreign, scope, by_post=by_post)) == 401
        # Whoever logs in is told, and so is who asks the registry itself.
        assert (await token(public, foreign, "", by_post=by_post)).status in {401, 429}
        assert (await token("", foreign, scope, by_post=by_post)).status in {401, 429}

    async def told() -> bool:
        rows = await server.rows("SELECT sum(repeats) FROM audit WHERE operation = 'login' AND NOT ok")
        return int(rows[0][0] or 0) > 20

    await until(told)


@pytest.mark.parametrize("rest", ["/", "/P", "/a/b", "/a%2fb", "/-a", "//a", "/" + "a" * 256])
async def test_the_token_endpoint_is_at_its_address_only(app: Server, rest: str) -> None:
    answer = await app.send("GET", f"/service/token{rest}?service={SERVICE}")
    assert answer.status == 404


async def test_a_token_for_a_project_that_there_is_not_grants_nothing(app: Server) -> None:
    answer = await app.send("GET", f"/service/token/nosuch?service={SERVICE}&scope=repository:library/x:pull")
    assert answer.status == 200


# -- the REST API -----------------------------------------------------------------------------------------


async def test_mirrors_are_made_listed_and_deleted(server: Server) -> None:
    admin = administrator(server).basic
    project = await make_project(server)
    number = await project_id(server, project)
    first = await made(server, "host", "HUB.test", project)
    second = await made(server, "ns", "ghcr.io", project)
    third = await made(server, "port", "05001", project)

    answer = await server.send("GET", f"{BASE}/mirrors", headers=admin)

    shown = answer.json()
    assert [(one["kind"], one["name"]) for one in shown] == [("host", "hub.test"), ("ns", "ghcr.io"), ("port", "5001")]
    assert {(one["project_id"], one["project_name"], one["in_trash"]) for one in shown} == {(number, project, False)}
    assert [f"{BASE}/mirrors/{one['id']}" for one in shown] == [first, second, third]
    assert answer.header("x-total-count") == "3"
    one = (await server.send("GET", f"{BASE}/mirrors?q=kind=ns&sort=-name", headers=admin)).json()
    assert [each["name"] for each in one] == ["ghcr.io"]
    again = await make(server, "host", "hub.TEST", project)
    assert (again.status, again.code) == (409, "CONFLICT")
    assert (await server.send("DELETE", second, headers=admin)).status == 200
    assert (await server.send("DELETE", second, headers=admin)).status == 404
    assert (await server.send("DELETE", f"{BASE}/mirrors/{2**63}", headers=admin)).status == 404
    rows = await server.rows("SELECT operation, resource, project_id FROM audit WHERE resource_type = 'mirror'")
    assert sorted(rows) == [
        ("create", "5001", number), ("create", "ghcr.io", number), ("create", "hub.test", number),
        ("delete", "ghcr.io", number),
    ]  # fmt: skip


REFUSED = [
    ("host", ""), ("host", "https://hub.test"), ("host", "hub.test/x"), ("host", "hub test"), ("host", "h\u00fcb"),
    ("host", "a:b"), ("ns", ""), ("ns", "a/b"), ("ns", "x" * 256), ("port", "0"), ("port", "65536"),
    ("port", "http"), ("port", "-1"), ("port", "\u0661"), ("path", "x"), ("", ""), ("host", HOST),
    ("host", f"{HOST}:443"), ("port", "443"),
]  # fmt: skip


async def test_what_no_client_can_ask_is_refused(server: Server) -> None:
    project = await make_project(server)
    for kind, name in REFUSED:
        answer = await make(server, kind, name, project)
        assert answer.status == 400, (kind, name, answer)
        assert answer.json()["errors"][0]["detail"]["reason"] == "MIRROR_INVALID"


async def test_where_the_request_itself_came_to_is_no_mirror(serve: Serve) -> None:
    server = await serve()  # nobody set external_url
    body = encode({"kind": "host", "name": "127.0.0.1:8080", "project_name": await make_project(server)})
    headers = {**administrator(server).basic, **JSON}

    here = await server.send("POST", f"{BASE}/mirrors", body, headers=headers, host="127.0.0.1:8080")
    elsewhere = await server.send("POST", f"{BASE}/mirrors", body, headers=headers, host="localhost:8080")

    assert (here.status, here.json()["errors"][0]["detail"]["reason"]) == (400, "MIRROR_INVALID")
    assert elsewhere.status == 201


async def test_who_is_no_administrator_makes_no_mirror(server: Server) -> None:
    project = await make_project(server)
    owner = await make_user(server, {project: Role.PROJECT_ADMIN})
    assert (await make(server, "ns", "docker.io", project, who=owner)).status == 403
    assert (await make(server, "ns", "docker.io", "nosuch")).status == 404
    answer = await server.send(
        "POST", f"{BASE}/mirrors", b'{"kind": "ns", "name": "x"}', headers={**owner.basic, **JSON}
    )
    assert answer.status in {400, 403}
