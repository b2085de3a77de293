"""Registry tokens: JSON Web Tokens for /v2, signed with ES256.

Only what this server itself writes is accepted: the header must be, byte for byte, the one that belongs to one of
its keys. So no header field of a stranger (`alg`, `jwk`, `jku`, `x5c`, `crit`, `b64`) is ever read, and the
signature is checked before a byte of the claims is.
"""

import hashlib
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from moorage.access.policy import Account, Entry, Limits, Ticket
from moorage.errors import TokenInvalid
from moorage.key_files import KeysInvalid, read_keys, write_key

ISSUER = "harbor-token-issuer"
SERVICE = "harbor-registry"
"""The audience of every token, and the only `service` that tokens are issued for; both are the contract's words."""

LEEWAY_SECONDS = 60
MAX_TOKEN_CHARACTERS = 65_536
MAX_LIFETIME_SECONDS = 86_400
_REMEMBERED = 4_096
_REMEMBERED_CHARACTERS = 8_192
_RELOAD_SECONDS = 5.0

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_ES256 = ec.ECDSA(hashes.SHA256())


class Access(msgspec.Struct, omit_defaults=True):
    """One entry of the claim `access`, with the project's id and epoch beside what the specification has.

    Source: distribution, "Token Authentication Implementation"; `project` is ours.
    """

    type: str
    name: str
    actions: list[str]
    project: tuple[int, int] | None = None


class Claims(msgspec.Struct):
    """The claims of a registry token.

    Ours are `principal`: id and epoch, (0, 0) for anonymous; and `limits`: of the access token that it was got with.
    """

    iss: str
    sub: str
    aud: str
    exp: int
    nbf: int
    iat: int
    jti: str
    access: list[Access]
    principal: tuple[int, int]
    limits: Limits | msgspec.UnsetType = msgspec.UNSET


class Minted(msgspec.Struct, frozen=True):
    """A fresh token. `issued_at`: Unix seconds; `lifetime_seconds`: until it expires."""

    token: str
    issued_at: int
    lifetime_seconds: int


class _Key(msgspec.Struct, frozen=True):
    kid: str
    header: str
    private: ec.EllipticCurvePrivateKey
    public: ec.EllipticCurvePublicKey


_claims_encoder = msgspec.json.Encoder()
_claims_decoder = msgspec.json.Decoder(Claims)


class TokenKeys:
    """The keys of a folder: `KID.pem`, each an EC P-256 private key (PKCS #8). The newest signs, all verify.

    A key that another process put into the folder is found when the first token comes that needs it, so a rotation
    refuses nobody; this process signs with it from then on. A key that was taken away counts until then too.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Load the keys of `folder`.

        Raises:
            KeysInvalid: there is none, or one is not ours alone to read, or no EC P-256 key.
        """
        self._folder = folder
        self._clock = clock
        self._known: dict[str, Ticket] = {}
        self._by_header: dict[str, _Key] = {}
        self._signing: _Key
        self._next_look = 0.0
        self.reload()

    @property
    def kid(self) -> str:
        """The id of the key that signs: its thumbprint. Source: RFC 7638."""
        return self._signing.kid

    def reload(self) -> None:
        """Read the folder again; when its keys are others now, forget what was verified.

        Raises:
            KeysInvalid: as at the start; the keys from before stay in use.
        """
        keys = _load_folder(self._folder)
        self._signing = keys[0]
        by_header = {key.header: key for key in keys}
        if by_header.keys() != self._by_header.keys():
            self._known.clear()
        self._by_header = by_header

    def mint(
        self,
        account: Account | None,
        entries: Mapping[str, Entry],
        *,
        catalog: bool = False,
        lifetime_seconds: int = 1800,
    ) -> Minted:
        """A token for `account` (None: anonymous) that grants `entries`, by whole repository name.

        It ends no later than the account does, though it lasts 1 s at least.
        """
        now = int(self._clock())
        if account is not None and account.seconds_left is not None:
            lifetime_seconds = max(1, min(lifetime_seconds, int(account.seconds_left)))
        access = [
            Access("repository", name, sorted(entry.actions), (entry.project_id, entry.project_epoch))
            for name, entry in entries.items()
        ]
        if catalog:
            access.append(Access("registry", "catalog", ["*"]))
        claims = Claims(
            iss=ISSUER,
            sub=account.name if account else "",
            aud=SERVICE,
            exp=now + lifetime_seconds,
            nbf=now,
            iat=now,
            jti=secrets.token_hex(16),
            access=access,
            principal=(account.principal_id, account.epoch) if account else (0, 0),
            limits=account.limits if account and account.limits else msgspec.UNSET,
        )
        key = self._signing
        text = f"{key.header}.{_encode(_claims_encoder.encode(claims))}"
        r, s = decode_dss_signature(key.private.sign(text.encode("ascii"), _ES256))
        signature = _encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return Minted(f"{text}.{signature}", now, lifetime_seconds)

    def verify(self, token: str, *, allow_expired_seconds: int = 0) -> Ticket:
        """What a token grants. Whether its epochs still hold is for the statement that serves the request.

        Args:
            token: as it came, without `Bearer`.
            allow_expired_seconds: accept a token that expired this long ago, for finishing what was begun with it.

        Raises:
            TokenInvalid: whatever is wrong; the caller is not told what.
        """
        ticket = self._known.get(token)
        if ticket is None:
            ticket = self._check(token)
            if len(token) <= _REMEMBERED_CHARACTERS and self._clock() <= ticket.expires_at + LEEWAY_SECONDS:
                if len(self._known) >= _REMEMBERED:
                    self._forget()
                self._known[token] = ticket
        if self._clock() >= ticket.expires_at + max(LEEWAY_SECONDS, allow_expired_seconds):
            self._known.pop(token, None)
            raise TokenInvalid
        return ticket

    def _check(self, token: str) -> Ticket:
        """The ticket of a token of ours, expired or not."""
        if len(token) > MAX_TOKEN_CHARACTERS or token.count(".") != 2:
            raise TokenInvalid
        header, payload, signature = token.split(".")
        key = self._by_header.get(header) or self._find_new_key(header)
        if key is None:
            raise TokenInvalid
        raw = _decode(signature)
        if len(raw) != 64:
            raise TokenInvalid
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            key.public.verify(der, f"{header}.{payload}".encode("ascii"), _ES256)
            claims = _claims_decoder.decode(_decode(payload))
        except (InvalidSignature, UnicodeEncodeError, msgspec.MsgspecError) as error:
            raise TokenInvalid from error
        latest = self._clock() + LEEWAY_SECONDS
        if (
            claims.iss != ISSUER
            or claims.aud != SERVICE
            or claims.iat > latest
            or claims.nbf > latest
            or not claims.iat < claims.exp <= claims.iat + MAX_LIFETIME_SECONDS
        ):
            raise TokenInvalid
        return _read_ticket(claims)

    def _find_new_key(self, header: str) -> _Key | None:
        """A key that was added to the folder since it was read; looked for every 5 s at most."""
        now = time.monotonic()
        if now < self._next_look or len(header) > 512:
            return None
        self._next_look = now + _RELOAD_SECONDS
        try:
            self.reload()
        except KeysInvalid:
            return None
        return self._by_header.get(header)

    def _forget(self) -> None:
        """Make room: what has expired, and the older half of the rest."""
        now = self._clock()
        kept = [(token, ticket) for token, ticket in self._known.items() if ticket.expires_at > now]
        self._known = dict(kept[len(kept) // 2 :])


def create_key(folder: Path) -> str:
    """Make a signing key in `folder` and return its id. It signs from the next start, or `reload`, on."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = ec.generate_private_key(ec.SECP256R1())
    kid = _thumbprint(private.public_key())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_key(folder / f"{kid}.pem", pem)
    return kid


# -- reading ----------------------------------------------------------------------------------------------


def _load_folder(folder: Path) -> list[_Key]:
    """The keys of a folder, the newest first."""
    return [_load_key(path, pem) for path, pem in read_keys(folder, ".pem", "signing")]


def _load_key(path: Path, pem: bytes) -> _Key:
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeysInvalid(f"the signing key is no unencrypted private key in PEM: {path}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise KeysInvalid(f"the signing key is no EC P-256 key: {path}")
    public = private.public_key()
    kid = _thumbprint(public)
    header = _encode(msgspec.json.encode({"alg": "ES256", "typ": "JWT", "kid": kid}))
    return _Key(kid, header, private, public)


def _thumbprint(public: ec.EllipticCurvePublicKey) -> str:
    """The SHA-256 thumbprint of a key. Source: RFC 7638, section 3; RFC 7518, section 6.2.1."""
    numbers = public.public_numbers()
    x, y = (_encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return _encode(hashlib.sha256(f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode()).digest())


def _read_ticket(claims: Claims) -> Ticket:
    entries: dict[str, Entry] = {}
    catalog = False
    for access in claims.access:
        if access.type == "repository" and access.project is not None:
            entries[access.name] = Entry(frozenset(access.actions), *access.project)
        elif access.type == "registry" and access.name == "catalog":
            catalog = "*" in access.actions
    return Ticket(
        principal_id=claims.principal[0],
        principal_epoch=claims.principal[1],
        name=claims.sub,
        entries=entries,
        catalog=catalog,
        expires_at=claims.exp,
        limits=claims.limits or None,
    )


def _encode(raw: bytes) -> str:
    """Base64 for URLs without padding. Source: RFC 7515, section 2."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    if _BASE64URL.fullmatch(text) is None or len(text) % 4 == 1:
        raise TokenInvalid
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encode(raw[len(raw) // 3 * 3 :]) != text[len(raw) // 3 * 4 :]:  # set bits after the end: another spelling
        raise TokenInvalid
    return raw
