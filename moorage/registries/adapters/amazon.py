"""Amazon Elastic Container Registry: an access key buys a login that is good for twelve hours.

Source: docs.aws.amazon.com/AmazonECR/latest/APIReference (GetAuthorizationToken, DescribeRepositories,
CreateRepository, BatchDeleteImage); docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
(Signature Version 4).
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from moorage.errors import RemoteDenied, RemoteMisbehaved
from moorage.registries.adapters.base import Adapter, Traits, count_pages, read_rows, read_text
from moorage.remotes.address_policy import Target, parse_target
from moorage.remotes.bearer_auth import Credentials
from moorage.remotes.http_client import Answer
from moorage.remotes.registry_client import Client
from moorage.remotes.registry_connection import Endpoint, refusal
from moorage.selectors import Selector
from moorage.settings import Secret

SERVICE = "ecr"
TARGET = "AmazonEC2ContainerRegistry_V20150921"

_HOST = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws)")
_EARLIER_SECONDS = 300.0
_CONTENT = "application/x-amz-json-1.1"


class Amazon(Adapter):
    """Amazon: a push makes the repository."""

    kind = "aws-ecr"
    label = "Amazon ECR"
    traits = Traits(
        note="Amazon ECR, private registries; the account is an access key of IAM, which needs "
        "ecr:GetAuthorizationToken, and ecr:DescribeRepositories, CreateRepository, BatchDeleteImage as used.",
    )  # fmt: skip

    def __init__(self, client: Client, endpoint: Endpoint) -> None:
        """See `Adapter`."""
        super().__init__(client, endpoint)
        self._login = Credentials()
        self._login_until = 0.0

    @classmethod
    def api_hosts(cls, endpoint: Endpoint) -> Collection[str]:
        """The host of the API, in the registry's region."""
        host = _find_api(endpoint)
        return (host,) if host else ()

    async def login(self) -> Credentials:
        """The name and password that the access key is exchanged for; kept until shortly before they expire."""
        if time.time() < self._login_until:
            return self._login
        rows = read_rows(await self._call("GetAuthorizationToken", {}), "authorizationData")
        row = rows[0] if rows else {}
        try:
            pair = base64.b64decode(read_text(row, "authorizationToken"), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        name, colon, password = pair.partition(":")
        if not colon:
            raise RemoteMisbehaved("Amazon gives no login.")
        until = row.get("expiresAt")
        self._login_until = (float(until) if isinstance(until, int | float) else time.time()) - _EARLIER_SECONDS
        self._login = Credentials(name, Secret(password))
        return self._login

    async def find_repositories(self, selector: Selector, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002 - see base
        """All repositories of the registry."""
        body: dict[str, object] = {"maxResults": 1000}
        for _ in count_pages():
            answer = await self._call("DescribeRepositories", body)
            for row in read_rows(answer, "repositories"):
                yield read_text(row, "repositoryName")
            more = read_text(answer.json(), "nextToken")
            if not more:
                return
            body["nextToken"] = more

    async def prepare_push(self, repository: str) -> None:
        """Make the repository unless it is there."""
        await super().prepare_push(repository)
        await self._call("CreateRepository", {"repositoryName": repository}, but="RepositoryAlreadyExistsException")

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Take a tag off; with its last tag the image goes, too."""
        await self._delete(repository, {"imageTag": tag})

    async def delete_artifact(self, repository: str, digest: str) -> None:
        """Delete an image with its tags."""
        await self._delete(repository, {"imageDigest": digest})

    async def _delete(self, repository: str, image: Mapping[str, str]) -> None:
        body = {"repositoryName": repository, "imageIds": [image]}
        answer = await self._call("BatchDeleteImage", body, but="RepositoryNotFoundException")
        failures = read_rows(answer, "failures")
        codes = {read_text(row, "failureCode") for row in failures} - {"ImageNotFound"}
        if codes:
            raise refusal(400, msgspec.json.encode({"errors": [{"code": min(codes), "message": ""}]}))

    async def _call(self, action: str, body: Mapping[str, object], *, but: str = "") -> Answer:
        """One action of the API, signed. A refusal of the type `but` is an answer, too."""
        host = _find_api(self.endpoint)
        target = parse_target(f"https://{host}/" if host else self.endpoint.url)
        content = msgspec.json.encode(body)
        headers = {"content-type": _CONTENT, "x-amz-target": f"{TARGET}.{action}"}
        region = _region(self.endpoint)
        secret = self.endpoint.password
        if not self.endpoint.username or not secret:
            raise RemoteDenied("Amazon ECR needs an access key and its secret.")
        now = datetime.now(UTC)
        signed = sign(target, headers, content, self.endpoint.username, secret, region=region, service=SERVICE, now=now)
        authorization = signed.pop("authorization")
        answer = await self.client.send_json(
            "POST", str(target), authorization=authorization, headers={**headers, **signed}, body=msgspec.Raw(content)
        )
        if 200 <= answer.status < 300:
            return answer
        kind, said = _read_refusal(answer)
        if but and kind == but:
            return Answer(200, answer.headers, b"{}", answer.url)
        raise refusal(answer.status, msgspec.json.encode({"errors": [{"code": kind, "message": said}]}))


def sign(
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    key_id: str,
    secret: Secret,
    *,
    region: str,
    service: str,
    now: datetime,
    method: str = "POST",
) -> dict[str, str]:
    """The headers that sign a request: `authorization` and `x-amz-date`. Of the path only `/` is needed here.

    Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request".
    """
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    signing = {**{name.lower(): value.strip() for name, value in headers.items()}, "host": target.netloc}
    signing["x-amz-date"] = moment
    names = ";".join(sorted(signing))
    path, _, query = target.path.partition("?")
    lines = [method, path, "&".join(sorted(query.split("&"))) if query else ""]
    lines += [f"{name}:{signing[name]}" for name in sorted(signing)]
    canonical = "\n".join([*lines, "", names, hashlib.sha256(body).hexdigest()])
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    derived = f"AWS4{secret.reveal()}".encode()
    for part in scope.split("/"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    signature = hmac.digest(derived, text.encode(), "sha256").hex()
    credential = f"Credential={key_id}/{scope}"
    return {
        "authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}",
        "x-amz-date": moment,
    }


def _find_api(endpoint: Endpoint) -> str:
    """The host of the API for a registry's address; "" when that is none of Amazon's."""
    found = _HOST.fullmatch(parse_target(endpoint.url).host)
    return f"api.ecr.{found[1]}.{found[2]}" if found else ""


def _region(endpoint: Endpoint) -> str:
    found = _HOST.fullmatch(parse_target(endpoint.url).host)
    return found[1] if found else "us-east-1"


def _read_refusal(answer: Answer) -> tuple[str, str]:
    """The type of an error of the API, and what it says. Source: "AWS JSON 1.1 protocol", errors."""
    try:
        body: Any = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", ""
    kind = read_text(body, "__type").rpartition("#")[2]
    return kind, read_text(body, "message") or read_text(body, "Message")


ADAPTER = Amazon
