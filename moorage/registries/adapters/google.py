"""Google Artifact Registry (and Container Registry, whose names it serves).

The account is always `_json_key` with the JSON key of a service account. Repositories are listed by Google's API, for
which the key signs a request for an access token.

Source: cloud.google.com/artifact-registry/docs/docker/authentication; …/docs/reference/rest/v1
(projects.locations.repositories.packages.list); developers.google.com/identity/protocols/oauth2/service-account;
RFC 7523, section 2.1 (the request is a form).
"""

import time
from collections.abc import AsyncIterator, Collection
from urllib.parse import quote, unquote, urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from moorage.errors import RemoteDenied, RemoteMisbehaved
from moorage.registries.adapters.base import Adapter, Place, Traits, count_pages, read_rows, read_text
from moorage.remotes.address_policy import parse_target
from moorage.remotes.registry_connection import Endpoint
from moorage.selectors import Selector

API = "https://artifactregistry.googleapis.com"
TOKENS = "https://oauth2.googleapis.com/token"

_SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FORM = "application/x-www-form-urlencoded"
_LIFE_SECONDS = 600


class _Key(msgspec.Struct):
    """The part of a service account's key that signs."""

    client_email: str
    private_key: str
    private_key_id: str = ""


class Google(Adapter):
    """Google: repositories are named `PROJECT/REPOSITORY/IMAGE`, and the first two have to be there."""

    kind = "google-gcr"
    label = "Google Artifact Registry"
    traits = Traits(
        note="Google Artifact Registry; the secret is the JSON key of a service account.",
        places=tuple(
            Place(f"{name}-docker.pkg.dev", f"https://{name}-docker.pkg.dev") for name in ("us", "europe", "asia")
        ),
        fixed_key="_json_key", secret_is_file=True, fewest=2,
    )  # fmt: skip

    @classmethod
    def api_hosts(cls, endpoint: Endpoint) -> Collection[str]:
        """The hosts of the API and of its tokens."""
        return [url.split("/")[2] for url in (API, TOKENS)] if _is_google(endpoint) else ()

    async def find_repositories(self, selector: Selector, prefix: str) -> AsyncIterator[str]:
        """The images of the repository that the pattern names (`PROJECT/REPOSITORY/**`), else what `_catalog` has."""
        project, _, rest = prefix.partition("/")
        repository = rest.partition("/")[0]
        if not repository:
            async for name in super().find_repositories(selector, prefix):
                yield name
            return
        location = parse_target(self.endpoint.url).host.partition("-docker.")[0]
        base = API if _is_google(self.endpoint) else ""
        parent = f"projects/{quote(project, safe='')}/locations/{location}/repositories/{quote(repository, safe='')}"
        token, authorization = "", await self._sign_in()
        for _ in count_pages():
            query = {"pageSize": "1000", **({"pageToken": token} if token else {})}
            url = f"{base}/v1/{parent}/packages?{urlencode(query)}"
            answer = await self.ask("GET", url, authorization=authorization, also=(404,))
            if answer.status == 404:
                return
            for row in read_rows(answer, "packages"):
                image = unquote(read_text(row, "name").rpartition("/packages/")[2])
                yield f"{project}/{repository}/{image}"
            token = read_text(answer.json(), "nextPageToken")
            if not token:
                return

    async def _sign_in(self) -> str:
        """An access token for Google's API, for the service account."""
        try:
            key = msgspec.json.decode(self.endpoint.password.reveal(), type=_Key)
            signing = RSAKey.import_key(key.private_key)
        except (msgspec.MsgspecError, ValueError, JoseError):
            raise RemoteDenied("The secret is not the JSON key of a service account.") from None
        now = int(time.time())
        claims = {
            "iss": key.client_email, "scope": _SCOPE, "aud": TOKENS, "iat": now, "exp": now + _LIFE_SECONDS,
        }  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": key.private_key_id}, claims, signing)
        url = TOKENS if _is_google(self.endpoint) else "/token"
        body = msgspec.Raw(urlencode({"grant_type": _GRANT, "assertion": signed}).encode())
        answer = await self.ask("POST", url, headers={"content-type": _FORM}, body=body)
        token = read_text(answer.json(), "access_token")
        if not token:
            raise RemoteMisbehaved("Google gives no access token.")
        return f"Bearer {token}"


def _is_google(endpoint: Endpoint) -> bool:
    host = parse_target(endpoint.url).host
    return host.endswith((".pkg.dev", "gcr.io"))


ADAPTER = Google
