"""ID tokens that are to be believed, and all those that are not (threats.md B3, A6)."""

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from moorage.authentication.oidc_http import Answer, Trust
from moorage.authentication.oidc_provider import Claims, Provider, discover
from moorage.configuration.schema import Items
from moorage.errors import OidcAnswerInvalid, OidcUnavailable
from moorage.settings import Secret

ISSUER = "https://id.example.test"
CLIENT = "registry"
ITEMS = Items(auth_sources=("oidc",), oidc_endpoint=ISSUER, oidc_client_id=CLIENT, oidc_client_secret=Secret("hush"))
KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
CURVE = ECKey.generate_key("P-256", {"kid": "k3"})
METADATA: dict[str, Any] = {
    "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks", "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
}  # fmt: skip


class Fake:
    """A provider that answers with what the test put here, and counts. Shape: {URL: JSON, or None for an outage}."""

    def __init__(self, **changes: Any) -> None:
        self.pages: dict[str, Any] = {f"{ISSUER}/.well-known/openid-configuration": {**METADATA, **changes}}
        self.asked: list[str] = []
        self.publish(KEY, CURVE)

    def publish(self, *keys: Any) -> None:
        """Tell these keys from now on."""
        self.pages[f"{ISSUER}/jwks"] = {"keys": [key.as_dict(private=False) for key in keys]}

    async def send(
        self,
        method: str,  # noqa: ARG002 - as the protocol has it
        url: str,
        *,
        trust: Trust,  # noqa: ARG002
        headers: Mapping[str, str] | None = None,  # noqa: ARG002
        form: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Answer:
        """See `Http.send`."""
        self.asked.append(url)
        page = self.pages.get(url)
        if page is None:
            raise OidcUnavailable
        return Answer(200, msgspec.json.encode(page))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def sign(key: Any = KEY, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """An ID token; a claim that is None is left out."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "s1", "iat": now, "exp": now + 300, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    protected = {"alg": "RS256", "kid": "k1", **(header or {})}
    registry = jws.JWSRegistry(algorithms=["RS256", "ES256", "HS256", "none"], strict_check_header=False)
    raw = jws.serialize_compact(protected, msgspec.json.encode(claims), key, registry=registry)
    return raw if isinstance(raw, str) else raw.decode()


NOW = int(time.time())
"""When the tokens below were signed: they are judged at that moment, however late their test runs."""


@pytest.mark.parametrize(
    "token",
    [
        sign(), sign(aud=[CLIENT]), sign(azp=CLIENT), sign(aud=[CLIENT, "other"], azp=CLIENT),
        sign(CURVE, {"alg": "ES256", "kid": "k3"}), sign(exp=NOW - 10), sign(iat=NOW + 30),
        sign(groups=[f"group-{number:08}" for number in range(3000)]),
    ],
    ids=["plain", "list", "azp", "two audiences", "ES256", "late by 10 s", "early by 30 s", "3,000 groups"],
)  # fmt: skip
async def test_a_good_token_is_believed(token: str) -> None:
    claims = await Provider(Fake(), clock=lambda: NOW).verify(ITEMS, token)

    assert (claims.issuer, claims.subject) == (ISSUER, "s1")


def sign_with_secret(secret: bytes) -> str:
    """An ID token that is signed with HMAC."""
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').rstrip(b"=")
    text = head + b"." + sign().split(".")[1].encode()
    signature = urlsafe_b64encode(hmac.digest(secret, text, "sha256")).rstrip(b"=")
    return (text + b"." + signature).decode()


BAD = {
    "another issuer": sign(iss="https://evil.example"),
    "an issuer with a slash": sign(iss=ISSUER + "/"),
    "no issuer": sign(iss=None),
    "another audience": sign(aud="other"),
    "audience in a text": sign(aud=f"{CLIENT} other"),
    "no audience": sign(aud=None),
    "two audiences without azp": sign(aud=[CLIENT, "other"]),
    "another azp": sign(azp="other"),
    "another azp of two": sign(aud=[CLIENT, "other"], azp="other"),
    "expired": sign(exp=NOW - 120),
    "no expiry": sign(exp=None),
    "expiry as text": sign(exp=str(NOW + 300)),
    "expiry true": sign(exp=True),
    "issued later": sign(iat=NOW + 3600),
    "not yet": sign(nbf=NOW + 3600),
    "no subject": sign(sub=None),
    "empty subject": sign(sub=""),
    "a number as subject": sign(sub=7),
    "a long subject": sign(sub="s" * 256),
    "a key of nobody": sign(OTHER),
    "an unknown kid": sign(OTHER, {"kid": "k2"}),
    "a key that the token brings": sign(OTHER, {"kid": "k1", "jwk": OTHER.as_dict(private=False)}),
    "a key elsewhere": sign(OTHER, {"kid": "k1", "jku": "https://evil.example/jwks"}),
    "our secret as key": sign_with_secret(b"hush"),
    "the public key as secret": sign_with_secret(KEY.as_pem(private=False)),
    "critical": sign()[:0] + "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwiY3JpdCI6WyJ4Il0sIngiOjF9." + sign().partition(".")[2],
    "unsigned": "eyJhbGciOiJub25lIn0." + sign().split(".")[1] + ".",
    "unsigned in disguise": "eyJhbGciOiJOb05lIn0." + sign().split(".")[1] + ".",
    "no signature": sign().rpartition(".")[0] + ".",
    "nothing": "",
    "dots": "..",
    "five parts": sign() + ".a.b",
    "a megabyte": "a" * 1_000_000 + ".b.c",
    "nonsense": "eyJ.é.x",
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
async def test_every_other_is_not(token: str) -> None:
    with pytest.raises(OidcAnswerInvalid):
        await Provider(Fake(), clock=lambda: NOW).verify(ITEMS, token)


async def test_the_nonce_has_to_be_ours() -> None:
    provider = Provider(Fake())
    metadata = await provider.metadata(ITEMS)

    await provider._check(ITEMS, metadata, sign(nonce="n1"), nonce="n1")
    for token in (sign(nonce="n2"), sign(), sign(nonce=["n1"]), sign(nonce="")):
        with pytest.raises(OidcAnswerInvalid):
            await provider._check(ITEMS, metadata, token, nonce="n1")


async def test_an_algorithm_that_the_provider_does_not_use_is_not_taken() -> None:
    provider = Provider(Fake(id_token_signing_alg_values_supported=["RS256"]))

    await provider.verify(ITEMS, sign())
    with pytest.raises(OidcAnswerInvalid):
        await provider.verify(ITEMS, sign(CURVE, {"alg": "ES256", "kid": "k3"}))


async def test_new_keys_are_found_and_old_ones_forgotten() -> None:
    fake, clock = Fake(), Clock()
    provider = Provider(fake, clock=clock)
    await provider.verify(ITEMS, sign())

    fake.publish(OTHER)
    with pytest.raises(OidcAnswerInvalid):  # asked a moment ago: strangers cannot make us ask again and again
        await provider.verify(ITEMS, sign(OTHER, {"kid": "k2"}))
    clock.now += 11
    await provider.verify(ITEMS, sign(OTHER, {"kid": "k2"}))
    with pytest.raises(OidcAnswerInvalid):
        await provider.verify(ITEMS, sign())

    assert fake.asked.count(f"{ISSUER}/jwks") == 2


async def test_what_the_provider_said_holds_while_it_is_away() -> None:
    fake, clock = Fake(), Clock()
    provider = Provider(fake, clock=clock)
    await provider.verify(ITEMS, sign())

    fake.pages.clear()
    clock.now += 3700
    later = int(clock.now)
    claims = await provider.verify(ITEMS, sign(iat=later, exp=later + 300))

    assert claims.subject == "s1"


async def test_metadata_is_asked_for_once_an_hour_and_again_for_another_provider() -> None:
    fake, clock = Fake(), Clock()
    provider = Provider(fake, clock=clock)
    for _ in range(3):
        await provider.metadata(ITEMS)
    once = len(fake.asked)
    clock.now += 3601
    await provider.metadata(ITEMS)

    with pytest.raises(OidcUnavailable):
        await provider.metadata(msgspec.structs.replace(ITEMS, oidc_endpoint="https://elsewhere.example"))

    assert (once, len(fake.asked)) == (1, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"}, {"token_endpoint": "http://id.example.test/token"}, {"jwks_uri": ""},
        {"jwks_uri": "file:///etc/passwd"}, {"token_endpoint": "https://user@evil.example/"}, {"issuer": 7},
        {"userinfo_endpoint": "ftp://id.example.test/"}, {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_provider_that_names_other_places_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(OidcUnavailable):
        await discover(Fake(**changes), ISSUER, Trust())


@pytest.mark.parametrize(
    ("values", "email"),
    [
        ({"email": "a@b"}, "a@b"), ({"email": "a@b", "email_verified": True}, "a@b"), ({}, None), ({"email": 7}, None),
        ({"email": "a@b", "email_verified": False}, None), ({"email": "a@b", "email_verified": "false"}, None),
        ({"email": "a@b", "email_verified": 0}, None), ({"email": "", "email_verified": True}, None),
    ],
)  # fmt: skip
def test_an_address_is_taken_unless_the_provider_doubts_it(values: dict[str, Any], email: str | None) -> None:
    assert Claims(ISSUER, "s1", values).email == email
