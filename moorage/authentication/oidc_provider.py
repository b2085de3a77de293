"""An OpenID provider: discovery, keys, ID tokens and user information.

Everything that it says is checked here, and what leaves this module is safe to believe: who somebody is at this
provider (`Claims`), never more. Who that is here is for `oidc_people`.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7636 (PKCE), RFC 9207 (issuer in the answer), RFC 7009
(revocation), OpenID Connect RP-Initiated Logout 1.0.
"""

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from moorage.authentication.oidc_http import Answer, Http, Trust
from moorage.configuration.schema import Items
from moorage.errors import OidcAnswerInvalid, OidcOff, OidcRefused, OidcSettingsInvalid, OidcUnavailable, Problem

log = logging.getLogger("moorage.oidc")

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Signatures with a key pair only: with a shared secret, whoever knows ours could be anybody."""

LEEWAY_SECONDS = 60
MAX_TOKEN_CHARACTERS = 131_072
_MAX_REASON = 500
_METADATA_SECONDS = 3_600
_KEYS_SECONDS = 3_600
_LOOK_AGAIN_SECONDS = 10
_CLAIM_CHARACTERS = 255

T = TypeVar("T")


class Metadata(msgspec.Struct, frozen=True):
    """What we need of a provider's discovery document; the rest is ignored."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    authorization_response_iss_parameter_supported: bool = False


class Tokens(msgspec.Struct, frozen=True):
    """The answer of the token endpoint."""

    access_token: str
    id_token: str = ""
    refresh_token: str = ""


class Claims(msgspec.Struct, frozen=True):
    """Who somebody is at the provider, checked.

    Attributes:
        values: the claims of the ID token and, for what it does not say, those of the userinfo endpoint.
    """

    issuer: str
    subject: str
    values: Mapping[str, Any]

    def text(self, claim: str) -> str:
        """A claim that is a text; empty when it is not there, or something else."""
        value = self.values.get(claim) if claim else None
        return value.strip()[:_CLAIM_CHARACTERS] if isinstance(value, str) else ""

    @property
    def email(self) -> str | None:
        """The e-mail address, unless the provider says itself that it did not check it."""
        return self.text("email") or None if self.values.get("email_verified") in {None, True, "true"} else None


class Attempt(msgspec.Struct, frozen=True):
    """A sign-in that was begun: what only the browser that began it holds, sealed, until it comes back."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    come_back_to: str


_metadata_decoder = msgspec.json.Decoder(Metadata)
_tokens_decoder = msgspec.json.Decoder(Tokens)
_object_decoder = msgspec.json.Decoder(dict[str, Any])


class Provider:
    """The provider of the live settings. One per process; it remembers metadata and keys."""

    def __init__(self, http: Http, *, clock: Callable[[], float] = time.time) -> None:
        self._http = http
        self._clock = clock
        self._looking = asyncio.Lock()
        self._metadata: tuple[tuple[str, Trust], Metadata, float] | None = None
        self._keys: tuple[str, KeySet, float] | None = None

    # -- what it says of itself ---------------------------------------------------------------------------

    async def metadata(self, items: Items) -> Metadata:
        """What the provider says of itself; asked for once an hour. While it is away, what it said before holds.

        Raises:
            OidcOff: there is no provider.
            OidcUnavailable: it does not answer, or not as one.
        """
        if not is_on(items):
            raise OidcOff
        wanted = (items.oidc_endpoint.rstrip("/"), trust_of(items))
        async with self._looking:
            known = self._metadata
            if known is not None and known[0] == wanted and self._clock() < known[2]:
                return known[1]
            try:
                found = await discover(self._http, *wanted)
            except OidcUnavailable:
                if known is None or known[0] != wanted:
                    raise
                log.warning("the OpenID provider does not answer; what it said before is used")
                self._metadata = (wanted, known[1], self._clock() + _LOOK_AGAIN_SECONDS)
                return known[1]
            self._metadata = (wanted, found, self._clock() + _METADATA_SECONDS)
            return found

    # -- signing in ---------------------------------------------------------------------------------------

    async def begin(self, items: Items, *, redirect_uri: str, come_back_to: str) -> tuple[str, Attempt]:
        """The URL that the browser is sent to, and what it has to hold meanwhile.

        Raises:
            OidcOff, OidcUnavailable: as `metadata`.
        """
        metadata = await self.metadata(items)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, redirect_uri, come_back_to)
        challenge = urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        scopes = list_scopes(items)
        # A provider may give a refresh token only to who was asked (OpenID Connect Core 1.0, section 11).
        consent = {"prompt": "consent"} if "offline_access" in scopes else {}
        parameters = {
            **consent,
            **items.oidc_extra_redirect_parms,
            "response_type": "code",
            "client_id": items.oidc_client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _with_query(metadata.authorization_endpoint, parameters), attempt

    async def finish(self, items: Items, attempt: Attempt, *, code: str, issuer: str | None) -> tuple[Claims, Tokens]:
        """Who came back with `code`.

        Args:
            issuer: the parameter `iss` of the answer; None when there was none.

        Raises:
            OidcRefused: the provider does not take the code.
            OidcAnswerInvalid: what it says of the person cannot be believed.
            OidcOff, OidcUnavailable: as `metadata`.
        """
        metadata = await self.metadata(items)
        if (issuer is None and metadata.authorization_response_iss_parameter_supported) or (
            issuer is not None and issuer != metadata.issuer
        ):
            raise OidcAnswerInvalid("The answer comes from another OpenID provider.")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        tokens = await self._ask_tokens(items, metadata, form)
        return await self._claims(items, metadata, tokens, nonce=attempt.nonce), tokens

    async def verify(self, items: Items, id_token: str) -> Claims:
        """Who an ID token of this provider, for us, belongs to; it may come from another flow than ours.

        Raises:
            OidcAnswerInvalid: it is not, or no longer.
            OidcOff, OidcUnavailable: as `metadata`.
        """
        metadata = await self.metadata(items)
        values = await self._check(items, metadata, id_token, nonce=None)
        return Claims(metadata.issuer, values["sub"], values)

    async def refresh(self, items: Items, refresh_token: str, subject: str) -> tuple[Claims, str]:
        """What the provider says now of somebody who signed in earlier, and the refresh token to use next time.

        Raises:
            OidcRefused: it does not know them any more.
            OidcAnswerInvalid: it speaks of somebody else.
            OidcOff, OidcUnavailable: as `metadata`.
        """
        metadata = await self.metadata(items)
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        tokens = await self._ask_tokens(items, metadata, form)
        if tokens.id_token:
            claims = await self._claims(items, metadata, tokens, nonce=None)
        else:
            claims = Claims(metadata.issuer, subject, await self._ask_userinfo(items, metadata, tokens, subject))
        if claims.subject != subject:
            raise OidcAnswerInvalid
        return claims, tokens.refresh_token or refresh_token

    # -- signing out --------------------------------------------------------------------------------------

    async def revoke(self, items: Items, refresh_token: str) -> None:
        """Give a refresh token back, if the provider takes it.

        Raises:
            OidcOff, OidcUnavailable: as `metadata`.
        """
        metadata = await self.metadata(items)
        if metadata.revocation_endpoint:
            form = {"token": refresh_token, "token_type_hint": "refresh_token"}
            await self._post(items, metadata, metadata.revocation_endpoint, form)

    async def logout_url(self, items: Items, *, id_token: str, come_back_to: str) -> str | None:
        """Where the browser signs out of the provider; None: it has no such place.

        Args:
            id_token: of the session that ends; empty: not known.
            come_back_to: a URL of ours that was made known to the provider.

        Raises:
            OidcOff, OidcUnavailable: as `metadata`.
        """
        metadata = await self.metadata(items)
        if not metadata.end_session_endpoint:
            return None
        parameters = {"client_id": items.oidc_client_id, "post_logout_redirect_uri": come_back_to}
        if id_token:
            parameters["id_token_hint"] = id_token
        return _with_query(metadata.end_session_endpoint, parameters)

    # -- asking -------------------------------------------------------------------------------------------

    async def _post(self, items: Items, metadata: Metadata, url: str, form: dict[str, str]) -> Answer:
        """A POST by which we show who we are. Source: RFC 6749, section 2.3.1."""
        headers: dict[str, str] = {}
        identity, secret = items.oidc_client_id, items.oidc_client_secret.reveal()
        methods = metadata.token_endpoint_auth_methods_supported
        if secret and ("client_secret_basic" in methods or "client_secret_post" not in methods):
            words = f"{quote_plus(identity)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {b64encode(words).decode()}"
        else:
            form = {**form, "client_id": identity}
            if secret:
                form["client_secret"] = secret
        return await self._http.send("POST", url, trust=trust_of(items), headers=headers, form=form)

    async def _ask_tokens(self, items: Items, metadata: Metadata, form: dict[str, str]) -> Tokens:
        answer = await self._post(items, metadata, metadata.token_endpoint, form)
        if answer.status >= 500 or answer.status == 429:
            raise OidcUnavailable
        if answer.status != 200:
            reason = _read_error(answer.body)
            if reason in {"invalid_client", "unauthorized_client"}:
                log.error("the OpenID provider does not take our client id or secret: %s", reason)
                raise OidcUnavailable("The OpenID provider does not take this server's client id or secret.")
            raise OidcRefused(error=reason)
        return _decode(_tokens_decoder, answer.body)

    async def _ask_userinfo(self, items: Items, metadata: Metadata, tokens: Tokens, subject: str) -> Mapping[str, Any]:
        """The claims of the userinfo endpoint; none when it has none.

        Raises:
            OidcAnswerInvalid: it speaks of somebody else, or does not take the token that it just gave.
        """
        if not metadata.userinfo_endpoint:
            return {}
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        answer = await self._http.send("GET", metadata.userinfo_endpoint, trust=trust_of(items), headers=headers)
        if answer.status >= 500 or answer.status == 429:
            raise OidcUnavailable
        if answer.status != 200:
            raise OidcAnswerInvalid
        values = _decode(_object_decoder, answer.body)
        if values.get("sub") != subject:
            raise OidcAnswerInvalid
        return values

    # -- believing ----------------------------------------------------------------------------------------

    async def _claims(self, items: Items, metadata: Metadata, tokens: Tokens, *, nonce: str | None) -> Claims:
        values = await self._check(items, metadata, tokens.id_token, nonce=nonce)
        subject: str = values["sub"]
        wanted = {"email", "name", items.oidc_user_claim, items.oidc_groups_claim} - {""}
        if not wanted.issubset(values):
            values = {**await self._ask_userinfo(items, metadata, tokens, subject), **values}
        return Claims(metadata.issuer, subject, values)

    async def _check(self, items: Items, metadata: Metadata, id_token: str, *, nonce: str | None) -> dict[str, Any]:
        """The claims of an ID token. Source: OpenID Connect Core 1.0, section 3.1.3.7."""
        values = await self._check_signature(items, metadata, id_token)
        client = items.oidc_client_id
        audience = values.get("aud")
        audiences: Sequence[object] = audience if isinstance(audience, list) else [audience]
        party = values.get("azp")
        subject = values.get("sub")
        now = self._clock()
        expires, issued, begins = _time(values.get("exp")), _time(values.get("iat")), _time(values.get("nbf", 0))
        if (
            values.get("iss") != metadata.issuer
            or client not in audiences
            or (len(audiences) > 1 and party is None)
            or party not in {None, client}
            or not isinstance(subject, str)
            or not 1 <= len(subject) <= _CLAIM_CHARACTERS
            or expires is None
            or issued is None
            or begins is None
            or expires <= now - LEEWAY_SECONDS
            or issued > now + LEEWAY_SECONDS
            or begins > now + LEEWAY_SECONDS
        ):
            raise OidcAnswerInvalid
        if nonce is not None and not hmac.compare_digest(str(values.get("nonce", "")).encode(), nonce.encode()):
            raise OidcAnswerInvalid
        return values

    async def _check_signature(self, items: Items, metadata: Metadata, id_token: str) -> dict[str, Any]:
        if not 0 < len(id_token) <= MAX_TOKEN_CHARACTERS or id_token.count(".") != 2:
            raise OidcAnswerInvalid
        allowed = sorted(ALGORITHMS.intersection(metadata.id_token_signing_alg_values_supported)) or ["RS256"]
        registry = _Registry(algorithms=allowed, strict_check_header=False)
        try:
            header = jws.extract_compact(id_token.encode()).protected
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in allowed or not isinstance(kid, str | None):
                raise OidcAnswerInvalid
            for key in await self._list_keys(items, metadata, kid):
                try:
                    checked = jws.deserialize_compact(id_token, key, algorithms=allowed, registry=registry)
                except (JoseError, ValueError):
                    continue
                return _decode(_object_decoder, checked.payload)
        except (JoseError, UnicodeError, ValueError, TypeError) as error:
            raise OidcAnswerInvalid from error
        raise OidcAnswerInvalid

    async def _list_keys(self, items: Items, metadata: Metadata, kid: str | None) -> list[Any]:
        """The provider's keys that a token could be signed with. One that we do not know is looked for again."""
        async with self._looking:
            now = self._clock()
            known = self._keys
            is_fresh = known is not None and known[0] == metadata.jwks_uri and now < known[2] + _KEYS_SECONDS
            if (
                known is None
                or not is_fresh
                or (not _matching(known[1], kid) and now >= known[2] + _LOOK_AGAIN_SECONDS)
            ):
                try:
                    known = self._keys = (metadata.jwks_uri, await self._ask_keys(items, metadata), now)
                except OidcUnavailable:
                    if known is None or known[0] != metadata.jwks_uri:
                        raise
                    log.warning("the OpenID provider does not tell its keys; those from before are used")
            return _matching(known[1], kid)

    async def _ask_keys(self, items: Items, metadata: Metadata) -> KeySet:
        answer = await self._http.send("GET", metadata.jwks_uri, trust=trust_of(items))
        if answer.status != 200:
            raise OidcUnavailable
        try:
            return KeySet.import_key_set(msgspec.json.decode(answer.body))
        except (JoseError, msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise OidcUnavailable("The OpenID provider's keys cannot be read.") from error


async def discover(http: Http, url: str, trust: Trust) -> Metadata:
    """What the provider at `url` says of itself.

    Raises:
        OidcUnavailable: it does not answer, or what it says is not its own: another issuer, or a place that is less
            safe than the URL itself.

    Source: OpenID Connect Discovery 1.0, section 4.
    """
    answer = await http.send("GET", f"{url.rstrip('/')}/.well-known/openid-configuration", trust=trust)
    if answer.status != 200:
        raise OidcUnavailable(
            f"It answers {answer.status} where an OpenID provider describes itself.",
            which="OIDC_NOT_FOUND",
            status=answer.status,
        )
    found = _decode(_metadata_decoder, answer.body, problem=OidcUnavailable)
    if found.issuer.rstrip("/") != url.rstrip("/"):
        raise OidcUnavailable(
            "The OpenID provider calls itself by another URL than the one that was set.", which="OIDC_OTHER_ISSUER"
        )
    schemes = {"https"} if url.startswith("https:") else {"https", "http"}
    places = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
    more = (found.userinfo_endpoint, found.end_session_endpoint, found.revocation_endpoint)
    for place in (*places, *filter(None, more)):
        parts = urlsplit(place)
        if parts.scheme not in schemes or not parts.hostname or parts.username is not None:
            raise OidcUnavailable("The OpenID provider names a place that cannot be used.", which="OIDC_ENDPOINTS")
    return found


async def ping(http: Http, url: str, trust: Trust) -> None:
    """Test a provider before it is set, for `POST /system/oidc/ping`.

    Raises:
        OidcSettingsInvalid: there is none that could be used; the message says why, for whoever may set one.
    """
    try:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise OidcSettingsInvalid(
                "The address of an OpenID provider begins with https:// or http://.", which="OIDC_ADDRESS"
            )
        await discover(http, url.strip(), trust)
    except (OidcUnavailable, ValueError) as error:
        why = error.__cause__ if isinstance(error.__cause__, Problem) else error
        log.warning("the test of an OpenID provider failed: %s", why)
        said = f"This provider cannot be used. {why}"[:_MAX_REASON]
        which = (why.detail.get("which") or why.reason) if isinstance(why, Problem) else ""
        if which in {"", OidcUnavailable.reason}:
            raise OidcSettingsInvalid(said) from error
        status = why.detail.get("status") if isinstance(why, Problem) else None
        raise OidcSettingsInvalid(said, which=which, status=status) from error


def is_on(items: Items) -> bool:
    """Whether people can sign in through a provider."""
    return "oidc" in items.auth_sources and bool(items.oidc_endpoint) and bool(items.oidc_client_id)


def trust_of(items: Items) -> Trust:
    """Which certificates of the provider are believed."""
    return Trust(items.oidc_verify_cert, items.oidc_ca_certificate)


def list_scopes(items: Items) -> list[str]:
    """The scopes to ask for: those of the settings, separated by commas or blanks, and `openid`."""
    return list(dict.fromkeys(["openid", *items.oidc_scope.replace(",", " ").split()]))


class _Registry(jws.JWSRegistry):
    """Room for a person in a thousand groups."""

    max_header_length = 4_096
    max_payload_length = MAX_TOKEN_CHARACTERS
    max_signature_length = 4_096


def _matching(keys: KeySet, kid: str | None) -> list[Any]:
    """Keys that may have signed a token with this key id; without one: all that sign. At most 32."""
    found = [key for key in keys.keys if kid is None or key.kid in {None, kid}]
    return [key for key in found if key.key_type != "oct" and key.get("use") in {None, "sig"}][:32]


def _decode(decoder: "msgspec.json.Decoder[T]", raw: bytes, problem: type[Exception] = OidcAnswerInvalid) -> T:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise problem from error


def _read_error(body: bytes) -> str:
    """The error's name, if it is one. Source: RFC 6749, section 5.2."""
    try:
        name = msgspec.json.decode(body).get("error")
    except (msgspec.MsgspecError, AttributeError, RecursionError):
        return ""
    return name[:64] if isinstance(name, str) and name.isascii() and name.isprintable() else ""


def _time(value: object) -> float | None:
    """Unix seconds; None: it is no such thing."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12 else None


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(parameters)}"
