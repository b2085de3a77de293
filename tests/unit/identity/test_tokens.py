"""Registry tokens: what is signed, and what of a stranger's making is refused (threats.md B2, T1 to T8)."""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwt
from joserfc.jwk import ECKey

from moorage.access.policy import Account, Entry
from moorage.errors import TokenInvalid
from moorage.tokens.registry_tokens import LEEWAY_SECONDS, MAX_TOKEN_CHARACTERS, TokenKeys
from tests.unit.identity.conftest import ANN, ENTRIES, NOW, Clock

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read_private(folder: Path) -> ec.EllipticCurvePrivateKey:
    (path,) = folder.glob("*.pem")
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def sign_es256(private: ec.EllipticCurvePrivateKey, text: str) -> bytes:
    r, s = decode_dss_signature(private.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def good_claims(keys: TokenKeys) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(unb64(keys.mint(ANN, ENTRIES).token.split(".")[1]))
    return claims


def forge(keys: TokenKeys, folder: Path, payload: bytes) -> str:
    """A token over any payload, with the right header and a right signature: what only a bug of ours would make."""
    header = keys.mint(ANN, {}).token.split(".")[0]
    text = f"{header}.{b64(payload)}"
    return f"{text}.{b64(sign_es256(read_private(folder), text))}"


# -- what is signed ---------------------------------------------------------------------------------------


def test_a_token_says_who_may_do_what_for_how_long(keys: TokenKeys) -> None:
    minted = keys.mint(ANN, ENTRIES, catalog=True, lifetime_seconds=600)

    ticket = keys.verify(minted.token)

    assert (ticket.principal_id, ticket.principal_epoch, ticket.name) == (7, 3, "ann")
    assert ticket.entries == ENTRIES
    assert ticket.catalog
    assert ticket.credential == "token"
    assert ticket.expires_at == NOW + 600
    assert (minted.issued_at, minted.lifetime_seconds) == (NOW, 600)


def test_the_claims_are_those_of_the_specification_and_two_of_ours(keys: TokenKeys) -> None:
    header, payload, _ = keys.mint(ANN, ENTRIES, catalog=True).token.split(".")

    claims = json.loads(unb64(payload))
    assert json.loads(unb64(header)) == {"alg": "ES256", "typ": "JWT", "kid": keys.kid}
    assert len(claims.pop("jti")) == 32
    assert claims == {
        "iss": "harbor-token-issuer",
        "sub": "ann",
        "aud": "harbor-registry",
        "exp": NOW + 1800,
        "nbf": NOW,
        "iat": NOW,
        "access": [
            {"type": "repository", "name": "team/app", "actions": ["pull", "push"], "project": [4, 2]},
            {"type": "repository", "name": "library/tool", "actions": ["pull"], "project": [1, 0]},
            {"type": "registry", "name": "catalog", "actions": ["*"]},
        ],
        "principal": [7, 3],
    }


def test_another_library_accepts_the_token_and_names_the_key_the_same(keys: TokenKeys, folder: Path) -> None:
    (path,) = folder.glob("*.pem")
    other = ECKey.import_key(path.read_text())

    decoded = jwt.decode(keys.mint(ANN, ENTRIES).token, other, algorithms=["ES256"])

    assert decoded.claims["sub"] == "ann"
    assert other.thumbprint() == keys.kid == path.stem


def test_an_anonymous_token_names_nobody(keys: TokenKeys) -> None:
    ticket = keys.verify(keys.mint(None, ENTRIES).token)

    assert (ticket.principal_id, ticket.principal_epoch, ticket.name, ticket.catalog) == (0, 0, "", False)


def test_no_two_tokens_are_the_same(keys: TokenKeys) -> None:
    assert len({keys.mint(ANN, ENTRIES).token for _ in range(50)}) == 50


@pytest.mark.parametrize(("left", "lifetime"), [(90.7, 90), (0.2, 1), (-5.0, 1), (9_999.0, 1800), (None, 1800)])
def test_a_token_does_not_outlive_its_account(keys: TokenKeys, left: float | None, lifetime: int) -> None:
    robot = Account(principal_id=9, epoch=0, kind="robot", name="robot$ci", seconds_left=left)

    assert keys.mint(robot, {}).lifetime_seconds == lifetime


# -- when it holds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("remembered", [False, True], ids=["read", "remembered"])
@pytest.mark.parametrize(
    ("late", "allowed", "good"),
    [
        (-1, 0, True),
        (LEEWAY_SECONDS - 1, 0, True),
        (LEEWAY_SECONDS, 0, False),
        (86_399, 86_400, True),
        (86_400, 86_400, False),
        (LEEWAY_SECONDS - 1, 10, True),
    ],
)
def test_a_token_ends_sixty_seconds_after_its_time(
    keys: TokenKeys, clock: Clock, *, remembered: bool, late: int, allowed: int, good: bool
) -> None:
    token = keys.mint(ANN, ENTRIES, lifetime_seconds=1800).token
    if remembered:
        keys.verify(token)
    clock.now = NOW + 1800 + late

    if good:
        assert keys.verify(token, allow_expired_seconds=allowed).name == "ann"
    else:
        with pytest.raises(TokenInvalid):
            keys.verify(token, allow_expired_seconds=allowed)


def test_a_token_that_was_accepted_late_is_still_refused_elsewhere(keys: TokenKeys, clock: Clock) -> None:
    token = keys.mint(ANN, ENTRIES).token
    clock.now = NOW + 1800 + 3600

    assert keys.verify(token, allow_expired_seconds=86_400).name == "ann"
    with pytest.raises(TokenInvalid):
        keys.verify(token)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_from_the_future_is_refused_beyond_the_leeway(keys: TokenKeys, folder: Path, claim: str) -> None:
    base = good_claims(keys)

    near = {**base, claim: NOW + LEEWAY_SECONDS}
    far = {**base, claim: NOW + LEEWAY_SECONDS + 1}

    assert keys.verify(forge(keys, folder, json.dumps(near).encode())).name == "ann"
    with pytest.raises(TokenInvalid):
        keys.verify(forge(keys, folder, json.dumps(far).encode()))


# -- T1 to T8 ---------------------------------------------------------------------------------------------


def with_header(token: str, **changes: object) -> str:
    header, payload, signature = token.split(".")
    fields = {**json.loads(unb64(header)), **changes}
    return f"{b64(json.dumps({k: v for k, v in fields.items() if v is not None}).encode())}.{payload}.{signature}"


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", None])
@pytest.mark.parametrize("signature", ["", "kept"])
def test_t1_no_algorithm_is_no_token(keys: TokenKeys, algorithm: str | None, signature: str) -> None:
    token = with_header(keys.mint(ANN, ENTRIES).token, alg=algorithm)
    if not signature:
        token = token.rpartition(".")[0] + "."

    with pytest.raises(TokenInvalid):
        keys.verify(token)


@pytest.mark.parametrize(
    "cut",
    [
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: token.rpartition(".")[0],
        lambda token: token.rpartition(".")[0] + "." + b64(bytes(64)),
        lambda token: token.rpartition(".")[0] + "." + b64(b"\xff" * 64),
        lambda token: token.rpartition(".")[0] + "." + b64(bytes(63)),
        lambda token: token[:-4],
        lambda token: token + "A",
        lambda token: token + "==",
        lambda token: token + ".",
        lambda token: "." + token,
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: token.replace(".", ".."),
    ],
)
def test_t1_a_signature_that_was_cut_or_replaced_is_refused(keys: TokenKeys, cut: Callable[[str], str]) -> None:
    with pytest.raises(TokenInvalid):
        keys.verify(cut(keys.mint(ANN, ENTRIES).token))


def test_t1_every_flipped_bit_of_a_token_is_noticed(keys: TokenKeys) -> None:
    token = keys.mint(ANN, {}).token
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for at, character in enumerate(token):
        other = "A" if character == "." else alphabet[alphabet.index(character) ^ 1]
        with pytest.raises(TokenInvalid):
            keys.verify(token[:at] + other + token[at + 1 :])


def test_t2_the_public_key_is_no_shared_secret(keys: TokenKeys, folder: Path) -> None:
    public = read_private(folder).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    payload = keys.mint(ANN, ENTRIES).token.split(".")[1]
    genuine = keys.mint(ANN, ENTRIES).token.split(".")[0]
    for secret in (pem, pem.rstrip(b"\n"), der):
        for header in (b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": keys.kid}).encode()), genuine):
            text = f"{header}.{payload}"
            signature = hmac.digest(secret, text.encode(), "sha256")
            for raw in (signature, signature * 2):
                with pytest.raises(TokenInvalid):
                    keys.verify(f"{text}.{b64(raw)}")


def test_t3_other_algorithms_are_refused_with_right_signatures_of_theirs(keys: TokenKeys) -> None:
    payload = keys.mint(ANN, ENTRIES).token.split(".")[1]
    rsa_key = rsa.generate_private_key(65_537, 2048)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    p384 = ec.generate_private_key(ec.SECP384R1())
    signers: dict[str, Callable[[bytes], bytes]] = {
        "RS256": lambda text: rsa_key.sign(text, padding.PKCS1v15(), hashes.SHA256()),
        "RS384": lambda text: rsa_key.sign(text, padding.PKCS1v15(), hashes.SHA384()),
        "PS256": lambda text: rsa_key.sign(text, pss, hashes.SHA256()),
        "ES384": lambda text: p384.sign(text, ec.ECDSA(hashes.SHA384())),
        "EdDSA": ed25519.Ed25519PrivateKey.generate().sign,
    }
    for algorithm, sign in signers.items():
        header = b64(json.dumps({"alg": algorithm, "typ": "JWT", "kid": keys.kid}).encode())
        text = f"{header}.{payload}"
        with pytest.raises(TokenInvalid):
            keys.verify(f"{text}.{b64(sign(text.encode()))}")


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"b64": True},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"typ": "jwt"},
        {"kid": "../../etc/passwd"},
        {"kid": ""},
        {"kid": None},
        {"jwk": {"kty": "EC"}},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/chain"},
        {"x5c": ["AAAA"]},
    ],
    ids=lambda extra: next(iter(extra)),
)
def test_t3_t4_a_header_that_is_not_ours_is_refused_though_our_key_signed_it(
    keys: TokenKeys, folder: Path, extra: dict[str, object]
) -> None:
    token = with_header(keys.mint(ANN, ENTRIES).token, **extra)
    text = token.rpartition(".")[0]

    with pytest.raises(TokenInvalid):
        keys.verify(f"{text}.{b64(sign_es256(read_private(folder), text))}")


def test_t4_a_strangers_key_is_refused_whatever_its_header_brings_along(keys: TokenKeys) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    jwk = ECKey.import_key(
        stranger.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public = jwk.as_dict(private=False)
    for extra in ({}, {"jwk": public}, {"jwk": public, "kid": jwk.thumbprint()}, {"kid": jwk.thumbprint()}):
        text = with_header(keys.mint(ANN, ENTRIES).token, **extra).rpartition(".")[0]
        with pytest.raises(TokenInvalid):
            keys.verify(f"{text}.{b64(sign_es256(stranger, text))}")
    text = keys.mint(ANN, ENTRIES).token.rpartition(".")[0]
    with pytest.raises(TokenInvalid):
        keys.verify(f"{text}.{b64(sign_es256(stranger, text))}")


def test_t3_an_encrypted_a_nested_and_a_json_token_are_refused(keys: TokenKeys, folder: Path) -> None:
    token = keys.mint(ANN, ENTRIES).token
    header, payload, signature = token.split(".")
    flat = json.dumps({"protected": header, "payload": payload, "signature": signature})

    for other in (f"{header}.{payload}.{signature}.{payload}.{signature}", flat, b64(flat.encode()), f'"{token}"'):
        with pytest.raises(TokenInvalid):
            keys.verify(other)
    with pytest.raises(TokenInvalid):
        keys.verify(forge(keys, folder, token.encode()))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("aud", "harbor-core"),
        ("aud", ["harbor-registry"]),
        ("aud", ["harbor-registry", "other"]),
        ("aud", []),
        ("aud", "Harbor-Registry"),
        ("aud", ""),
        ("iss", "somebody"),
        ("iss", ""),
        ("iss", ["harbor-token-issuer"]),
        ("exp", float(NOW + 60)),
        ("exp", str(NOW + 60)),
        ("exp", True),
        ("exp", NOW - 1801),
        ("exp", NOW + 86_401),
        ("exp", 2**70),
        ("iat", float(NOW)),
        ("iat", str(NOW)),
        ("iat", None),
        ("nbf", "now"),
        ("sub", 7),
        ("sub", None),
        ("principal", [7]),
        ("principal", [7, 3, 1]),
        ("principal", ["7", 3]),
        ("principal", 7),
        ("access", {}),
        ("access", [{"type": "repository"}]),
        ("access", [{"type": "repository", "name": "team/app", "actions": "pull", "project": [4, 2]}]),
    ],
)
def test_t6_t7_claims_that_are_not_exactly_ours_are_refused(
    keys: TokenKeys, folder: Path, claim: str, value: object
) -> None:
    claims = {**good_claims(keys), claim: value}

    with pytest.raises(TokenInvalid):
        keys.verify(forge(keys, folder, json.dumps(claims).encode()))


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access", "principal"])
def test_t6_t7_a_missing_claim_is_refused(keys: TokenKeys, folder: Path, claim: str) -> None:
    claims = good_claims(keys)
    del claims[claim]

    with pytest.raises(TokenInvalid):
        keys.verify(forge(keys, folder, json.dumps(claims).encode()))


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "-0.0", "1E9", "01"])
def test_t7_a_number_that_is_no_integer_is_refused(keys: TokenKeys, folder: Path, number: str) -> None:
    text = json.dumps(good_claims(keys)).replace(f'"exp": {NOW + 1800}', f'"exp": {number}')
    assert number in text

    with pytest.raises(TokenInvalid):
        keys.verify(forge(keys, folder, text.encode()))


def test_the_forger_of_these_tests_can_make_a_good_token(keys: TokenKeys, folder: Path) -> None:
    assert keys.verify(forge(keys, folder, json.dumps(good_claims(keys)).encode())).entries == ENTRIES


def test_a_repository_without_a_project_grants_nothing(keys: TokenKeys, folder: Path) -> None:
    access = [{"type": "repository", "name": "team/app", "actions": ["pull"]}]

    ticket = keys.verify(forge(keys, folder, json.dumps({**good_claims(keys), "access": access}).encode()))

    assert not ticket.entries


@pytest.mark.parametrize(
    "other",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        hashlib.sha256(b"session").hexdigest(),
        "moor_rt_" + "A" * 43,
        "\u00e9.\u00e9.\u00e9",
        "\udcff.\udcff.\udcff",
        "e30.e30.e30",
        "\0.\0.\0",
        gzip.compress(b"x", mtime=0).decode("latin-1"),
    ],
)
def test_t8_other_secrets_are_no_tokens(keys: TokenKeys, other: str) -> None:
    with pytest.raises(TokenInvalid):
        keys.verify(other)


def test_a_token_beyond_the_limit_is_refused_before_it_is_read(keys: TokenKeys) -> None:
    token = keys.mint(ANN, {f"team/{'a' * 200}{n}": Entry(frozenset({"pull"}), 4, 2) for n in range(300)}).token
    assert len(token) > MAX_TOKEN_CHARACTERS

    with pytest.raises(TokenInvalid):
        keys.verify(token)


def test_the_mirrored_signature_is_the_only_other_one(keys: TokenKeys) -> None:
    """ECDSA has it by nature; nothing here depends on the text of a token being the only one."""
    text, _, signature = keys.mint(ANN, ENTRIES).token.rpartition(".")
    raw = unb64(signature)
    mirrored = raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")

    assert keys.verify(f"{text}.{b64(mirrored)}").name == "ann"


def test_a_signature_has_one_length(keys: TokenKeys) -> None:
    text, _, signature = keys.mint(ANN, ENTRIES).token.rpartition(".")
    raw = unb64(signature)

    for longer in (raw[:32] + b"\0" + raw[32:], raw[:32] + bytes(200) + raw[32:]):
        with pytest.raises(TokenInvalid):
            keys.verify(f"{text}.{b64(longer)}")


# -- what is remembered -----------------------------------------------------------------------------------


def test_the_memory_of_verified_tokens_is_bounded(keys: TokenKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moorage.tokens.registry_tokens._REMEMBERED", 10)

    tokens = [keys.mint(ANN, ENTRIES).token for _ in range(35)]
    for token in tokens:
        keys.verify(token)

    assert len(keys._known) <= 10
    assert tokens[-1] in keys._known
    assert all(keys.verify(token).name == "ann" for token in tokens)


def test_a_refused_token_is_not_remembered(keys: TokenKeys) -> None:
    for n in range(20):
        with pytest.raises(TokenInvalid):
            keys.verify(f"a.b.{n}")

    assert not keys._known
