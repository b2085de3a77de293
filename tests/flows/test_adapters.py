"""What is particular about each kind of registry.

Harbor's is proven against a started Moorage, the plain one against Debian's docker-registry. The others cannot be
reached here: they are held against shapes written from the vendors' public references, whose pages and the day of
writing stand beside each. No page could be opened where it is published: all were compared with stored copies of
them. Where a copy was somebody else's, or did not go far enough, the test says so. That proves our reading of those
pages, and nothing about the services.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from moorage.errors import RegistryInvalid, RemoteDenied, RemoteRefused
from moorage.oci.digest import compute
from moorage.oci.media_types import EMPTY, OCI_MANIFEST
from moorage.registries.adapters import get_adapter, list_adapters, open_adapter
from moorage.registries.adapters.amazon import sign
from moorage.registries.adapters.base import NOT_PROVEN, Adapter, is_plain, prefix_of
from moorage.remotes.address_policy import parse_target
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_connection import Connection, Endpoint
from moorage.remotes.retry_policy import IMPATIENT
from moorage.settings import Secret
from tests import serving
from tests.fakes.scripted import Heard, Say, Scripted, scripted
from tests.parts import Parts
from tests.parts.docker_registry import DockerRegistry
from tests.serving import Moorage

WRITTEN = "2026-11-27"
"""The day on which the shapes were written; the vendors' pages may have changed since."""

SECRET = "Vend0r-secret"


def opened(kind: str, url: str, **more: object) -> AbstractAsyncContextManager[Adapter]:
    endpoint = Endpoint(url=url, **{"username": "robot", "password": Secret(SECRET), **more})  # type: ignore[arg-type]
    return open_adapter(Outgoing(), kind, endpoint, patience=IMPATIENT)


async def names(adapter: Adapter, pattern: str) -> list[str]:
    return sorted([name async for name in adapter.list_repositories(pattern)])


def basic(heard: Heard) -> str:
    scheme, _, value = heard.credentials.partition(" ")
    return base64.b64decode(value).decode() if scheme == "Basic" else ""


# -- all of them ----


def test_every_kind_of_the_issue_is_there_and_says_honestly_what_it_is() -> None:
    assert set(list_adapters()) == {
        "harbor", "docker-registry", "docker-hub", "github-ghcr", "gitlab", "quay", "aws-ecr", "google-gcr",
        "azure-acr", "jfrog-artifactory",
    }  # fmt: skip
    for kind, adapter in list_adapters().items():
        assert adapter.kind == kind
        assert adapter.label
        assert (NOT_PROVEN in adapter.traits.description) is (kind not in {"harbor", "docker-registry"})
    with pytest.raises(RegistryInvalid):
        get_adapter("nothing")


def test_a_pattern_is_asked_for_as_narrowly_as_it_can_be() -> None:
    assert [prefix_of(one) for one in ("", "**", "a", "a/**", "a/b/*", "a*/b", "a/{b,c}/d")] == [
        "", "", "", "a", "a/b", "", "a",
    ]  # fmt: skip
    assert [is_plain(one) for one in ("a/b", "a/*", "a?", "[a]", "{a,b}", "a\\b")] == [True] + [False] * 5


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("docker-hub", "team/app", ["app", "a/b/c"]), ("harbor", "team/app/x", ["app"]), ("quay", "team/app", ["app"]),
        ("docker-registry", "app", []), ("github-ghcr", "team/app/x", ["app"]),
    ],
)  # fmt: skip
async def test_a_name_that_cannot_be_there_is_refused_before_anything_is_sent(
    kind: str, good: str, bad: list[str]
) -> None:
    async with opened(kind, "http://127.0.0.1:1") as adapter:
        adapter.require_name(good)
        for name in bad:
            with pytest.raises(RemoteRefused, match="parts between slashes"):
                adapter.require_name(name)


# -- the real ones ----


@pytest.fixture(scope="module")
def moorage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    with serving.serve(tmp_path_factory.mktemp("peer") / "data") as server:
        server.create_project("team")
        server.create_project("empty")
        yield server


async def push(adapter: Adapter, repository: str, tag: str) -> str:
    body = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.example.thing",
        "config": {"mediaType": EMPTY, "digest": str(compute(b"{}")), "size": 2},
        "layers": [], "annotations": {"for": f"{repository}:{tag}"},
    }  # fmt: skip
    raw = json.dumps(body).encode()

    async def read(_start: int) -> AsyncIterator[bytes]:
        yield b"{}"

    await adapter.client.put_blob(repository, compute(b"{}"), 2, read)
    await adapter.client.put_manifest(repository, tag, raw, OCI_MANIFEST)
    return str(compute(raw))


def label(server: Moorage, digest: str) -> None:
    """A label of the system, on an artifact."""
    who = (server.admin.username, server.admin.password)
    made = httpx.post(f"{server.url}/api/v2.0/labels", json={"name": "stable", "scope": "g"}, auth=who, timeout=60)
    number = int(made.headers["location"].rpartition("/")[2])
    path = (
        f"/api/v2.0/projects/team/repositories/{quote(quote('deep/app', safe=''), safe='')}/artifacts/{digest}/labels"
    )
    assert httpx.post(server.url + path, json={"id": number}, auth=who, timeout=60).status_code == 200


async def test_harbor_lists_prepares_and_deletes(moorage: Moorage, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"username": moorage.admin.username, "password": Secret(moorage.admin.password)}
    async with opened("harbor", moorage.url, **account) as adapter:
        await adapter.ping()
        await adapter.prepare_push("made/by/push")
        with monkeypatch.context() as patched:
            patched.setattr(Connection, "send_plainly", None)  # a project that was just there is not asked for
            await adapter.prepare_push("made/by/another/push")
        first = await push(adapter, "team/deep/app", "v1")
        second = await push(adapter, "team/deep/app", "v2")
        await push(adapter, "made/by/push", "v1")
        label(moorage, first)

        assert await names(adapter, "**") == ["made/by/push", "team/deep/app"]
        assert await names(adapter, "team/**") == ["team/deep/app"]
        assert await names(adapter, "nowhere/**") == []
        assert await names(adapter, "team/plain") == ["team/plain"]
        found = {one.reference: one async for one in adapter.list_artifacts("team/deep/app")}
        assert set(found) == {first, second}
        assert (found[first].tags, found[first].labels, found[first].kind) == (("v1",), ("stable",), "UNKNOWN")
        assert [one async for one in adapter.list_artifacts("team/nothing")] == []

        await adapter.delete_tag("team/deep/app", "v1")
        await adapter.delete_tag("team/deep/app", "v1")
        after = {one.reference: one.tags async for one in adapter.list_artifacts("team/deep/app")}
        assert after == {first: (), second: ("v2",)}
        await adapter.delete_artifact("team/deep/app", second)
        await adapter.delete_artifact("team/deep/app", second)
        assert {one.reference async for one in adapter.list_artifacts("team/deep/app")} == {first}
    async with opened("harbor", moorage.url) as wrong:
        with pytest.raises(RemoteDenied):
            await wrong.ping()
    async with opened("harbor", moorage.url, username="", password=Secret("")) as nobody:
        await nobody.ping()


@pytest.mark.part("docker_registry")
async def test_a_plain_registry_lists_by_its_catalog_and_tags(parts: Parts) -> None:
    part = parts.get("docker_registry", DockerRegistry)
    account = {"username": part.username, "password": Secret(part.password)}
    async with opened("docker-registry", f"http://{part.host}", **account) as adapter:
        await adapter.ping()
        digest = await push(adapter, "adapters/one", "v1")
        await push(adapter, "adapters/two/x", "v1")
        assert await names(adapter, "adapters/**") == ["adapters/one", "adapters/two/x"]
        assert await names(adapter, "adapters/*") == ["adapters/one"]
        assert [(one.reference, one.tags) async for one in adapter.list_artifacts("adapters/one")] == [("v1", ("v1",))]
        await adapter.delete_artifact("adapters/one", digest)
        await adapter.delete_artifact("adapters/one", digest)
        assert [one async for one in adapter.list_artifacts("adapters/one")] == []


# -- those that are only read about ----


def paged(rows: list[dict[str, Any]], size: int, page: str) -> list[dict[str, Any]]:
    start = (int(page) - 1) * size
    return rows[start : start + size]


async def test_docker_hub() -> None:
    """Sign in, list a namespace.

    Source: https://docs.docker.com/reference/api/hub/latest/ ("Create access token", "List repositories in a
    namespace"), WRITTEN. Read in a copy of Docker's OpenAPI document at bump.sh; Docker's own page was not to be had.
    """

    def hub(heard: Heard) -> Say:
        if heard.path == "/v2/auth/token":
            assert json.loads(heard.body) == {"identifier": "robot", "secret": SECRET}
            return Say(200, {"access_token": "hub-token"})
        assert heard.credentials == "Bearer hub-token"
        if heard.path == "/v2/namespaces/team/repositories":
            assert 1 <= int(heard.query["page_size"]) <= 1000
            rows = [{"name": f"app{number:03}", "namespace": "team", "is_private": True} for number in range(150)]
            next_page = "https://hub.docker.com/v2/namespaces/team/repositories?page=2&page_size=100"
            more = next_page if heard.query["page"] == "1" else None
            return Say(
                200, {"count": 150, "next": more, "previous": None, "results": paged(rows, 100, heard.query["page"])}
            )
        return Say(404, {"message": "no such namespace"})

    async with scripted(hub) as server, opened("docker-hub", server.url) as adapter:
        assert len(await names(adapter, "team/**")) == 150
        assert await names(adapter, "team/app00?") == [f"team/app00{number}" for number in range(10)]
        assert await names(adapter, "nobody/*") == []
        assert await names(adapter, "nginx") == ["library/nginx"]
        with pytest.raises(RemoteRefused):
            await adapter.delete_tag("team/app", "v1")
    placed = get_adapter("docker-hub").place(Endpoint(url="https://hub.docker.com"))
    assert (placed.url, placed.token_hosts) == ("https://registry-1.docker.io", ("auth.docker.io",))


async def test_github() -> None:
    """Source: https://docs.github.com/en/rest/packages/packages, "List packages for an organization", WRITTEN."""

    def api(heard: Heard) -> Say:
        assert heard.credentials == f"Bearer {SECRET}"
        assert heard.query["package_type"] == "container"
        owner = {"login": "Octo-Org", "id": 1}
        if heard.path == "/orgs/octo-org/packages":
            rows = [{"id": number, "name": f"app/{number:03}", "owner": owner} for number in range(120)]
            return Say(200, paged(rows, 100, heard.query["page"]))
        if heard.path == "/users/somebody/packages":
            return Say(200, [{"name": "Tool", "package_type": "container", "owner": {"login": "somebody"}}])
        if heard.path == "/user/packages":
            return Say(200, [{"name": "mine", "package_type": "container", "owner": {"login": "Me"}}])
        return Say(404, {"message": "Not Found"})

    async with scripted(api) as server, opened("github-ghcr", server.url) as adapter:
        assert len(await names(adapter, "octo-org/**")) == 120
        assert await names(adapter, "somebody/*") == ["somebody/tool"]
        assert await names(adapter, "**") == ["me/mine"]
        assert await names(adapter, "nobody/*") == []
        with pytest.raises(RemoteRefused):
            await adapter.delete_artifact("octo-org/app", str(compute(b"")))
    assert list(get_adapter("github-ghcr").api_hosts(Endpoint(url="https://ghcr.io"))) == ["api.github.com"]


async def test_gitlab() -> None:
    """Source: https://docs.gitlab.com/api/container_registry/, "List registry repositories", WRITTEN."""

    def api(heard: Heard) -> Say:
        assert heard.credentials == f"Bearer {SECRET}"
        path = heard.path.removeprefix("/api/v4")
        if path == "/groups/group/registry/repositories":
            page = heard.query["page"]
            more = {"x-next-page": "2" if page == "1" else ""}
            return Say(200, [{"id": int(page), "name": "", "path": f"group/project{page}", "project_id": 9}], more)
        if path == "/projects/group%2Fproject1/registry/repositories":
            return Say(200, [{"id": 7, "name": "releases", "path": "group/project1/releases"}])
        if path == "/projects":
            return Say(200, [{"id": 9, "path_with_namespace": "group/project1"}])
        if path == "/projects/9/registry/repositories":
            return Say(200, [{"id": 7, "path": "group/project1/releases"}])
        return Say(404, {"message": "404 Group Not Found"})

    async with scripted(api) as server, opened("gitlab", server.url) as adapter:
        assert await names(adapter, "group/*") == ["group/project1", "group/project2"]
        assert await names(adapter, "group/project1/*") == ["group/project1/releases"]
        assert await names(adapter, "**") == ["group/project1/releases"]
        assert await names(adapter, "nobody/*") == []
    placed = get_adapter("gitlab").place(Endpoint(url="https://registry.gitlab.com"))
    assert placed.token_hosts == ("gitlab.com",)
    own = Endpoint(url="https://registry.example.org", token_hosts=("gitlab.example.org",))
    assert get_adapter("gitlab").place(own) == own


async def test_quay() -> None:
    """Source: https://docs.redhat.com/en/documentation/red_hat_quay/3/html/red_hat_quay_api_reference, WRITTEN."""

    def api(heard: Heard) -> Say:
        assert heard.path == "/api/v1/repository"
        if heard.query["namespace"] != "team":
            return Say(200, {"repositories": []})
        seen = [{"namespace": "team", "name": "public", "is_public": True}]
        if heard.credentials == f"Bearer {SECRET}":
            if "next_page" not in heard.query:
                return Say(200, {"repositories": seen, "next_page": "gAAAAA=="})
            assert heard.query["next_page"] == "gAAAAA=="
            return Say(200, {"repositories": [{"namespace": "team", "name": "private", "is_public": False}]})
        assert heard.credentials == ""
        return Say(200, {"repositories": seen})

    async with scripted(api) as server:
        async with opened("quay", server.url, username="$oauthtoken") as adapter:
            assert await names(adapter, "team/*") == ["team/private", "team/public"]
            with pytest.raises(RemoteRefused, match="one namespace"):
                await names(adapter, "**")
        async with opened("quay", server.url, username="team+robot") as adapter:
            assert await names(adapter, "**") == ["team/public"]


async def test_azure() -> None:
    """Tokens by Basic, the catalog, tags.

    Source: https://azure.github.io/acr/Token-BasicAuth.html, WRITTEN;
    https://learn.microsoft.com/rest/api/containerregistry/ ("Tag - Delete"), WRITTEN.
    """
    server: Scripted

    def acr(heard: Heard) -> Say:
        if heard.path == "/oauth2/token":
            assert basic(heard) == f"robot:{SECRET}"
            return Say(200, {"access_token": f"for {heard.query.get('scope')}".replace(" ", "-")})
        if not heard.credentials.startswith("Bearer "):
            scope = "registry:catalog:*" if heard.path == "/v2/_catalog" else "repository:team/app:delete"
            asked = f'Bearer realm="{server.url}/oauth2/token",service="{server.host}",scope="{scope}"'
            return Say(401, headers={"www-authenticate": asked})
        if heard.path == "/v2/_catalog":
            return Say(200, {"repositories": ["team/app", "hello-world"]})
        if heard.path == "/v2/":
            return Say()
        assert (heard.method, heard.path) == ("DELETE", "/acr/v1/team/app/_tags/v1")
        return Say(202)

    async with scripted(acr) as server, opened("azure-acr", server.url) as adapter:
        assert await names(adapter, "**") == ["hello-world", "team/app"]
        await adapter.delete_tag("team/app", "v1")
        await adapter.ping()


async def test_jfrog() -> None:
    """Source: https://jfrog.com/help/r/jfrog-rest-apis/list-docker-repositories and …/get-repositories, WRITTEN."""

    def artifactory(heard: Heard) -> Say:
        assert basic(heard) == f"robot:{SECRET}"
        if heard.path == "/artifactory/api/repositories":
            assert heard.query == {"packageType": "docker"}
            return Say(200, [{"key": "docker-local", "type": "LOCAL", "packageType": "Docker"}, {"key": "other"}])
        if heard.path == "/artifactory/api/docker/docker-local/v2/_catalog":
            if "last" not in heard.query:
                return Say(200, {"repositories": [f"app{number:04}" for number in range(1000)]})
            assert heard.query["last"] == "app0999"
            return Say(200, {"repositories": ["team/last"]})
        return Say(404, {"errors": [{"status": 404, "message": "no such repository"}]})

    async with scripted(artifactory) as server, opened("jfrog-artifactory", server.url) as adapter:
        assert await names(adapter, "docker-local/team/*") == ["docker-local/team/last"]
        assert len(await names(adapter, "**")) == 1001
        assert await names(adapter, "nothing/*") == []


async def test_google() -> None:
    """Packages by Google's API, with a token that the key signs for.

    Source: https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages
    (a slash in a package's id is escaped) and …/list (at most 1,000 a page); RFC 7523, section 2.1 (the form), WRITTEN.
    Of https://developers.google.com/identity/protocols/oauth2/service-account the copy breaks off before the request
    for a token, and …/artifact-registry/docs/docker/authentication was not to be had.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"type": "service_account", "client_email": "a@b.iam", "private_key": pem, "private_key_id": "k1"}

    def google(heard: Heard) -> Say:
        if heard.path == "/token":
            assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
            sent = dict(parse_qsl(heard.body.decode(), strict_parsing=True))
            assert sent.keys() == {"grant_type", "assertion"}
            parts = sent["assertion"].split(".")
            head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in parts[:2])
            assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            assert (head["alg"], head["kid"], claims["iss"]) == ("RS256", "k1", "a@b.iam")
            assert claims["aud"] == "https://oauth2.googleapis.com/token"
            return Say(200, {"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer"})
        assert heard.credentials == "Bearer ya29.x"
        where = "/v1/projects/my-project/locations/127.0.0.1/repositories/images/packages"
        if heard.path != where:
            return Say(404, {"error": {"code": 404, "status": "NOT_FOUND"}})
        parent = where.removeprefix("/v1/")
        assert 1 <= int(heard.query["pageSize"]) <= 1000
        if "pageToken" not in heard.query:
            return Say(200, {"packages": [{"name": f"{parent}/app"}], "nextPageToken": "more"})
        return Say(200, {"packages": [{"name": f"{parent}/nested%2Fapp"}]})

    secret = Secret(json.dumps(account))
    async with (
        scripted(google) as server,
        opened("google-gcr", server.url, username="_json_key", password=secret) as one,
    ):
        assert await names(one, "my-project/images/**") == ["my-project/images/app", "my-project/images/nested/app"]
        assert await names(one, "my-project/nothing/*") == []
    async with scripted(google) as server, opened("google-gcr", server.url, username="_json_key") as one:
        with pytest.raises(RemoteDenied, match="JSON key"):
            await names(one, "my-project/images/**")
    hosts = list(get_adapter("google-gcr").api_hosts(Endpoint(url="https://us-docker.pkg.dev")))
    assert hosts == ["artifactregistry.googleapis.com", "oauth2.googleapis.com"]


# -- Amazon ----


def amazon(server_of: Callable[[], Scripted], made: list[str]) -> Callable[[Heard], Say]:
    """Amazon's registry, which checks signatures.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html,
    …/API_AuthorizationData.html, …/API_DescribeRepositories.html, …/API_CreateRepository.html,
    …/API_BatchDeleteImage.html, WRITTEN. Of the first there was no copy: its name, version and JSON protocol are from
    the service's own model (ecr/2015-09-21, targetPrefix, jsonVersion 1.1), its answer from AuthorizationData.
    """

    def refuse(kind: str) -> Say:
        return Say(400, {"__type": f"com.amazonaws.ecr#{kind}", "message": "as it says"})

    def answer(heard: Heard) -> Say:
        if heard.path == "/v2/":
            if basic(heard) == "AWS:the-token":
                return Say(200)
            return Say(
                401, headers={"www-authenticate": f'Basic realm="{server_of().url}/",service="ecr.amazonaws.com"'}
            )
        target, _, action = heard.headers["x-amz-target"].rpartition(".")
        assert target == "AmazonEC2ContainerRegistry_V20150921"
        assert heard.headers["content-type"] == "application/x-amz-json-1.1"
        assert heard.credentials.startswith("AWS4-HMAC-SHA256 Credential=robot/")
        moment = datetime.strptime(heard.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        signed = {name: heard.headers[name] for name in ("content-type", "x-amz-target")}
        url = parse_target(server_of().url)
        again = sign(url, signed, heard.body, "robot", Secret(SECRET), region="us-east-1", service="ecr", now=moment)
        if heard.credentials != again["authorization"]:
            return refuse("InvalidSignatureException")
        body = json.loads(heard.body)
        if action == "GetAuthorizationToken":
            token = base64.b64encode(b"AWS:the-token").decode()
            data = {"authorizationToken": token, "expiresAt": 4102444800.0, "proxyEndpoint": "https://x"}
            return Say(200, {"authorizationData": [data]})
        if action == "DescribeRepositories":
            assert 1 <= body["maxResults"] <= 1000
            if "nextToken" not in body:
                return Say(200, {"repositories": [{"repositoryName": "team/one"}], "nextToken": "more"})
            return Say(200, {"repositories": [{"repositoryName": "team/two"}]})
        if action == "CreateRepository":
            if body["repositoryName"] in made:
                return refuse("RepositoryAlreadyExistsException")
            made.append(body["repositoryName"])
            return Say(200, {"repository": {"repositoryName": body["repositoryName"]}})
        if body["repositoryName"] == "team/gone":
            return refuse("RepositoryNotFoundException")
        tag = body["imageIds"][0].get("imageTag")
        codes = {"missing": "ImageNotFound", "held": "ImageReferencedByManifestList"}
        failures = [{"imageId": body["imageIds"][0], "failureCode": codes[tag]}] if tag in codes else []
        return Say(200, {"imageIds": [], "failures": failures})

    return answer


async def test_amazon() -> None:
    made: list[str] = []
    server: Scripted
    async with scripted(amazon(lambda: server, made)) as server:
        async with opened("aws-ecr", server.url) as adapter:
            await adapter.ping()
            await adapter.ping()
            assert await names(adapter, "team/*") == ["team/one", "team/two"]
            await adapter.prepare_push("team/new")
            await adapter.prepare_push("team/new")
            assert made == ["team/new"]
            for tag in ("v1", "missing"):
                await adapter.delete_tag("team/one", tag)
            await adapter.delete_artifact("team/gone", str(compute(b"")))
            with pytest.raises(RemoteRefused, match="ImageReferencedByManifestList"):
                await adapter.delete_tag("team/one", "held")
        asked = [one.headers.get("x-amz-target", "").rpartition(".")[2] for one in server.heard]
        assert asked.count("GetAuthorizationToken") == 1
        async with opened("aws-ecr", server.url, password=Secret("wrong")) as adapter:
            with pytest.raises(RemoteRefused, match="InvalidSignatureException"):
                await adapter.ping()
        async with opened("aws-ecr", server.url, username="", password=Secret("")) as adapter:
            with pytest.raises(RemoteDenied):
                await adapter.ping()
    hosts = get_adapter("aws-ecr").api_hosts(Endpoint(url="https://012345678910.dkr.ecr.eu-west-1.amazonaws.com"))
    assert list(hosts) == ["api.ecr.eu-west-1.amazonaws.com"]
    chinese = get_adapter("aws-ecr").api_hosts(Endpoint(url="https://012345678910.dkr.ecr.cn-north-1.amazonaws.com.cn"))
    assert list(chinese) == ["api.ecr.cn-north-1.amazonaws.com.cn"]


def test_a_signature_is_the_one_of_amazons_own_example() -> None:
    """Source: the vector get-vanilla of Amazon's "Signature Version 4 test suite", WRITTEN."""
    signed = sign(
        parse_target("https://example.amazonaws.com/"), {}, b"", "AKIDEXAMPLE",
        Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), region="us-east-1", service="service",
        now=datetime(2015, 8, 30, 12, 36, tzinfo=UTC), method="GET",
    )  # fmt: skip
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )
