"""Tokens end to end: what the token endpoint gives, and what /v2 takes for one. The fine cases are in unit/identity."""

import base64
import hmac
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from moorage.access.policy import Role
from moorage.tokens.registry_tokens import create_key
from tests.api.client import SERVICE, Answer, Client, Repo, Server, StartFailed, digest_of
from tests.api.conftest import Serve, Stores, give_refresh_tokens, make_project, make_robot, make_user, unique
from tests.api.rows import row

FORM = {"content-type": "application/x-www-form-urlencoded"}


def encode64(raw: bytes | dict[str, Any]) -> str:
    """Base64 for URLs, without padding; of JSON when it is no bytes."""
    data = raw if isinstance(raw, bytes) else json.dumps(raw, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode64(text: str) -> Any:
    """The JSON of one part of a token."""
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def key_of(server: Server) -> ec.EllipticCurvePrivateKey:
    """The server's own signing key: what an attacker does not have, to see that even a right signature is not all."""
    (path,) = server.settings.token_key_folder.glob("*.pem")
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def sign(key: ec.EllipticCurvePrivateKey, text: str) -> str:
    """An ES256 signature."""
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return encode64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def forge(server: Server, token: str, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token with some parts changed, signed by the server's own key; a claim of None is left out."""
    head, body, _ = token.split(".")
    changed = {**decode64(body), **claims}
    text = f"{encode64({**decode64(head), **header}) if header else head}." + encode64(
        {name: value for name, value in changed.items() if value is not None}
    )
    return f"{text}.{sign(key_of(server), text)}"


async def try_token(repo: Repo, token: str) -> Answer:
    """A pull with this token."""
    return await repo.get("tags/list", authorization=f"Bearer {token}")


# -- what is no token -------------------------------------------------------------------------------------


async def forged(server: Server, token: str) -> dict[str, str]:
    """Tokens that must not work, by what is wrong with them."""
    head, body, signature = token.split(".")
    own = decode64(head)
    stranger = ec.generate_private_key(ec.SECP256R1())
    numbers = stranger.public_key().public_numbers()
    jwk = {
        "kty": "EC", "crv": "P-256", "x": encode64(numbers.x.to_bytes(32, "big")),
        "y": encode64(numbers.y.to_bytes(32, "big")),
    }  # fmt: skip
    public = key_of(server).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    now = int(time.time())

    def unsigned(algorithm: str) -> str:
        return f"{encode64({**own, 'alg': algorithm})}.{body}"

    def hashed(secret: bytes) -> str:
        text = f"{encode64({**own, 'alg': 'HS256'})}.{body}"
        return f"{text}.{encode64(hmac.digest(secret, text.encode(), 'sha256'))}"

    def by_stranger(**more: Any) -> str:
        text = f"{encode64({**own, **more})}.{body}"
        return f"{text}.{sign(stranger, text)}"

    return {
        "T1-none": unsigned("none") + ".", "T1-None": unsigned("None") + ".",
        "T1-nOnE": unsigned("nOnE") + f".{signature}",
        "T1-empty": f"{head}.{body}.", "T1-stripped": f"{head}.{body}", "T1-cut": token[:-2],
        "T2-pem": hashed(pem), "T2-pem-stripped": hashed(pem.strip()),
        "T2-der": hashed(der),
        "T3-es384": forge(server, token, header={"alg": "ES384"}),
        "T3-ps256": forge(server, token, header={"alg": "PS256"}),
        "T3-b64": forge(server, token, header={"b64": False, "crit": ["b64"]}),
        "T3-crit": forge(server, token, header={"crit": []}),
        "T3-cty": forge(server, token, header={"cty": "JWT"}),
        "T3-jwe": f"{encode64({'alg': 'dir', 'enc': 'A256GCM'})}..a.b.c",
        "T3-json": json.dumps({"payload": body, "protected": head, "signature": signature}),
        "T4-jwk": by_stranger(jwk=jwk), "T4-jku": by_stranger(jku="http://127.0.0.1:9/keys"), "T4-kid": by_stranger(),
        "T4-x5u": by_stranger(x5u="http://127.0.0.1:9/x"), "T4-x5c": by_stranger(x5c=[encode64(b"certificate")]),
        "T4-kid-path": by_stranger(kid="../../dev/null"),
        "T6-aud-missing": forge(server, token, aud=None), "T6-aud-other": forge(server, token, aud="other"),
        "T6-aud-list": forge(server, token, aud=[SERVICE, "other"]), "T6-aud-empty": forge(server, token, aud=[]),
        "T6-iss-missing": forge(server, token, iss=None), "T6-iss-other": forge(server, token, iss="other"),
        "T7-expired": forge(server, token, exp=now - 61, iat=now - 1000, nbf=now - 1000),
        "T7-nbf": forge(server, token, nbf=now + 1000), "T7-iat": forge(server, token, iat=now + 1000, exp=now + 2000),
        "T7-float": forge(server, token, exp=now + 100.5), "T7-text": forge(server, token, exp=str(now + 100)),
        "T7-no-exp": forge(server, token, exp=None), "T7-far": forge(server, token, exp=now + 10**9),
    }  # fmt: skip


@row("T1", "T2", "T3", "T4", "T6", "T7")
async def test_no_forged_token_is_taken(app: Server, repo: Repo) -> None:
    await repo.image("latest")
    token = await repo.client.token(f"repository:{repo.name}:pull")
    assert (await try_token(repo, forge(app, token, jti="another"))).status == 200, "the forger can make a good one"

    for name, one in (await forged(app, token)).items():
        answer = await try_token(repo, one)
        assert (answer.status, answer.code, answer.challenge.get("error")) == (401, "UNAUTHORIZED", "invalid_token"), (
            name
        )


@row("T8")
async def test_no_other_secret_is_taken_for_a_token(app: Server, repo: Repo, owner: Client, project: str) -> None:
    await repo.image("latest")
    person = await make_user(app, {project: Role.DEVELOPER})
    await give_refresh_tokens(app)
    refresh = (await person.ask_token(offline_token="true")).json()["refresh_token"]

    for secret in (owner.password, person.password, refresh, "0" * 64, "", " ", "a.b.c", "x" * 100_000):
        answer = await try_token(repo, secret)
        assert (answer.status, answer.challenge.get("error")) == (401, "invalid_token")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic", "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), "Negotiate x", "\xff"],
)
async def test_an_authorization_that_is_none_is_401(app: Server, header: str) -> None:
    answer = await app.send("GET", "/v2/", headers={"authorization": header})

    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert answer.header("www-authenticate")


# -- challenges -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "rest", "actions"),
    [
        ("GET", "manifests/x", "pull"), ("HEAD", "blobs/x", "pull"), ("PUT", "manifests/x", "pull,push"),
        ("POST", "blobs/uploads/", "pull,push"), ("PATCH", "blobs/uploads/x", "pull,push"), ("DELETE", "manifests/x",
        "delete"),
        ("DELETE", "blobs/x", "delete"), ("GET", "tags/list", "pull"), ("GET", "referrers/x", "pull"),
    ],
)  # fmt: skip
async def test_a_challenge_asks_for_what_the_request_needs(app: Server, method: str, rest: str, actions: str) -> None:
    answer = await app.send(method, f"/v2/a/b/{rest}")

    assert answer.status == 401
    assert answer.challenge == {
        "realm": "http://registry.test/service/token", "service": SERVICE, "scope": f"repository:a/b:{actions}",
    }  # fmt: skip


async def test_the_login_challenge_names_no_scope(app: Server) -> None:
    answer = await app.send("GET", "/v2/")

    assert answer.challenge == {"realm": "http://registry.test/service/token", "service": SERVICE}
    assert answer.header("docker-distribution-api-version") == "registry/2.0"


async def test_a_mount_is_challenged_for_both_repositories(app: Server) -> None:
    answer = await app.send("POST", f"/v2/a/b/blobs/uploads/?mount={digest_of(b'x')}&from=c/d")

    assert answer.challenge["scope"] == "repository:a/b:pull,push repository:c/d:pull"


async def test_wrong_credentials_are_401_also_where_anonymous_would_do(app: Server) -> None:
    public = await make_project(app, public=True)
    wrong = Client(app, "nobody", "Wrong-passw0rd")

    assert (await wrong.ask_token(f"repository:{public}/app:pull")).status == 401
    direct = await app.send("GET", f"/v2/{public}/app/tags/list", headers=wrong.basic)
    assert (direct.status, direct.header("www-authenticate")) == (401, 'Basic realm="harbor"')


# -- the token endpoint -----------------------------------------------------------------------------------


async def test_a_token_answer_has_what_clients_read(owner: Client, repo: Repo) -> None:
    answer = await owner.ask_token(f"repository:{repo.name}:pull")

    body = answer.json()
    assert body["token"] == body["access_token"]
    assert body["expires_in"] == 1800
    assert abs(time.time() - time.mktime(time.strptime(body["issued_at"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone) < 60
    assert "refresh_token" not in body
    assert answer.header("cache-control") == "no-store"


def granted(answer: Answer) -> dict[str, list[str]]:
    """What a token grants, by name."""
    assert answer.status == 200, answer
    access = decode64(answer.json()["token"].split(".")[1])["access"]
    return {entry["name"]: entry["actions"] for entry in access}


@row("T10")
@pytest.mark.parametrize(
    "scope",
    [
        "repository:*:*",
        "repository:{p}/*:pull",
        "registry:catalog:*",
        "repository(plugin):{p}/app:pull",
        "repository:{p}:*",
    ],
)
async def test_a_wildcard_is_never_granted(owner: Client, project: str, scope: str) -> None:
    assert granted(await owner.ask_token(scope.format(p=project))) == {}


@row("T10")
async def test_a_star_is_each_action_that_is_allowed(app: Server, project: str) -> None:
    guest = await make_robot(app, project, "pull")

    assert granted(await guest.ask_token(f"repository:{project}/app:*")) == {f"{project}/app": ["pull"]}


@row("T11")
@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("repository:{p}/app:pull,push,pull", 200), ("repository::pull", 200),
        ("repository:host:5000/{p}/app:pull", 200),
        ("nonsense", 200), ("a:b:c", 200), ("repository:{p}/app:fly", 200), ("repository:{p}/app:", 200), (":::", 200),
        ("repository:{p}/app:pull " * 99, 200), ("repository:{p}/app:pull " * 101, 400), ("x" * 100_000, 400),
        ("repository:{p}/\u00e9:pull", 200), ("repository:{p}/app:pull\n", 200),
    ],
)  # fmt: skip
async def test_odd_scopes_are_left_out_and_too_many_refused(
    owner: Client, project: str, scope: str, status: int
) -> None:
    answer = await owner.ask_token(scope.format(p=project))

    assert answer.status == status
    if status == 200:
        assert set(granted(answer)) <= {f"{project}/app"}
    else:
        assert answer.code == "UNSUPPORTED"


@row("T11")
async def test_scopes_may_be_repeated_or_stand_in_one_parameter(owner: Client, project: str) -> None:
    one, two = f"repository:{project}/a:pull", f"repository:{project}/b:push"

    assert granted(await owner.ask_token(one, two)) == granted(await owner.ask_token(f"{one} {two}"))
    assert granted(await owner.ask_token(one, two)) == {f"{project}/a": ["pull"], f"{project}/b": ["push"]}


@row("T12")
async def test_what_does_not_exist_is_granted_like_what_is_forbidden(app: Server, owner: Client) -> None:
    forbidden = await make_project(app)

    answers = [await owner.ask_token(f"repository:{name}/app:pull") for name in (forbidden, "no-such-project")]

    assert [granted(answer) for answer in answers] == [{}, {}]
    assert {frozenset(answer.json()) for answer in answers} == {frozenset(answers[0].json())}


@row("T13")
async def test_nobody_in_particular_gets_a_token_for_what_is_public(app: Server) -> None:
    public, private = await make_project(app, public=True), await make_project(app)
    anonymous = Client(app)

    nothing = await anonymous.ask_token()
    answer = await anonymous.ask_token(f"repository:{public}/app:pull,push", f"repository:{private}/app:pull")

    assert (nothing.status, nothing.code) == (401, "UNAUTHORIZED")
    assert granted(answer) == {f"{public}/app": ["pull"]}


@row("T15")
@pytest.mark.parametrize(
    "query", ["", "service=", "service=other", "service=%3Cscript%3E", f"service={SERVICE}&service=x"]
)
async def test_another_service_is_400_and_not_echoed(app: Server, owner: Client, query: str) -> None:
    answer = await app.send("GET", f"/service/token?{query}&scope=a:b:c", headers=owner.basic)

    assert (answer.status, answer.code) == (400, "UNSUPPORTED")
    assert b"script" not in answer.body


async def post(server: Server, headers: dict[str, str] = FORM, **fields: str) -> Answer:
    """POST /service/token."""
    form = urlencode({"service": SERVICE, "client_id": "test", **fields}).encode()
    return await server.send("POST", "/service/token", form, headers=headers)


@row("T16")
async def test_a_refresh_token_is_got_by_login_and_gives_tokens(app: Server, repo: Repo) -> None:
    await repo.image("latest")
    person = await make_user(app, {repo.name.partition("/")[0]: Role.GUEST})
    await give_refresh_tokens(app)
    login = await person.ask_token(offline_token="true", account=person.username, client_id="docker")
    refresh = login.json()["refresh_token"]

    answer = await post(app, grant_type="refresh_token", refresh_token=refresh, scope=f"repository:{repo.name}:pull")

    assert answer.status == 200
    assert answer.json()["refresh_token"] == refresh
    assert (await try_token(repo, answer.json()["access_token"])).status == 200


@row("T16")
async def test_a_password_by_form_gives_a_token(app: Server, owner: Client, repo: Repo) -> None:
    await repo.image("latest")

    answer = await post(
        app,
        grant_type="password",
        username=owner.username,
        password=owner.password,
        scope=f"repository:{repo.name}:pull",
    )

    assert (await try_token(repo, answer.json()["token"])).status == 200


@row("T16")
async def test_odd_posts_are_400_401_or_413(app: Server, owner: Client, repo: Repo) -> None:
    token = await owner.token(f"repository:{repo.name}:pull")
    await give_refresh_tokens(app)
    refresh = (await (await make_user(app)).ask_token(offline_token="true")).json()["refresh_token"]
    json_body = json.dumps({"grant_type": "password", "service": SERVICE, "client_id": "x"}).encode()

    async def raw(body: bytes, content_type: str = FORM["content-type"]) -> Answer:
        return await app.send("POST", "/service/token", body, headers={"content-type": content_type})

    answers = {
        "access token": (401, await post(app, grant_type="refresh_token", refresh_token=token)),
        "unknown": (401, await post(app, grant_type="refresh_token", refresh_token="moor_rt_" + "x" * 43)),
        "other service": (400, await post(app, grant_type="refresh_token", refresh_token=refresh, service="other")),
        "wrong password": (401, await post(app, grant_type="password", username=owner.username, password="wrong")),
        "unknown grant": (400, await post(app, grant_type="client_credentials")),
        "no grant": (400, await post(app)),
        "no client": (400, await post(app, grant_type="refresh_token", refresh_token=refresh, client_id="")),
        "json": (400, await raw(json_body, "application/json")),
        "multipart": (400, await raw(b"--x--", "multipart/form-data; boundary=x")),
        "1 MB": (413, await raw(b"a=" + b"x" * 1_000_000)),
        "binary": (400, await raw(bytes(range(256)))),
        "many fields": (400, await raw(b"&".join(b"f%d=1" % number for number in range(1000)))),
    }

    assert {name: (answer.status, bool(answer.code)) for name, (_, answer) in answers.items()} == {
        name: (status, True) for name, (status, _) in answers.items()
    }


@row("T17")
async def test_the_account_parameter_does_not_say_who_asks(app: Server, owner: Client) -> None:
    answer = await owner.ask_token(account="admin")

    assert decode64(answer.json()["token"].split(".")[1])["sub"] == owner.username
    assert (await app.send("GET", f"/service/token?service={SERVICE}&account=admin")).status == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_the_token_endpoint_has_two_methods(app: Server, method: str) -> None:
    answer = await app.send(method, f"/service/token?service={SERVICE}")

    assert (answer.status, answer.code, answer.header("allow")) == (405, "UNSUPPORTED", "GET, HEAD, POST")


# -- Host, keys, guesses ----------------------------------------------------------------------------------


@row("T20")
async def test_a_forged_host_never_reaches_a_realm(app: Server) -> None:
    forwarded = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "host=evil.example"}

    refused = await app.send("GET", "/v2/", host="evil.example")
    ignored = await app.send("GET", "/v2/", headers=forwarded)

    assert (refused.status, refused.header("www-authenticate")) == (400, None)
    assert ignored.challenge["realm"] == "http://registry.test/service/token"


@row("T21")
async def test_a_new_key_signs_and_the_old_tokens_live_on_at_both_workers(serve: Serve) -> None:
    one = await serve()
    two = await serve(beside=one)
    repo = (await make_robot(one, project := await make_project(one), "push")).repo(f"{project}/app")
    await repo.image("latest")
    old = await repo.client.token(f"repository:{repo.name}:pull")

    create_key(one.settings.token_key_folder)
    three = await serve(beside=one)
    new = await repo.on(three).client.token(f"repository:{repo.name}:pull")

    assert old.split(".")[0] != new.split(".")[0]
    for worker in (one, two, three):
        for token in (old, new):
            assert (await try_token(repo.on(worker), token)).status == 200


@row("T22")
@pytest.mark.usefixtures("no_time_passes")
async def test_guessing_is_slowed_down_and_shuts_nobody_else_out(app: Server, project: str) -> None:
    victim = await make_user(app, {project: Role.GUEST})
    robot = await make_robot(app, project, "pull")
    guesser = Client(app, victim.username, "Guess-number-1")
    attacker = "198.51.100.1"

    async def guess(username: str) -> Answer:
        client = Client(app, username, guesser.password)
        return await app.send("GET", f"/service/token?service={SERVICE}", headers=client.basic, address=attacker)

    answers = [await guess(victim.username) for _ in range(12)]
    elsewhere = await app.send("GET", f"/service/token?service={SERVICE}", headers=victim.basic, address="198.51.100.2")
    machine = await app.send("GET", f"/service/token?service={SERVICE}", headers=robot.basic, address=attacker)

    assert [answer.status for answer in answers[:5]] == [401] * 5
    assert answers[-1].status == 429
    assert (answers[-1].code, int(answers[-1].header("retry-after") or 0) > 0) == ("TOOMANYREQUESTS", True)
    assert elsewhere.status == 200
    assert machine.status == 200


@row("T22")
async def test_a_name_that_does_not_exist_is_answered_like_a_wrong_password(app: Server) -> None:
    real = await make_user(app)

    answers = [
        await Client(app, name, "Wrong-passw0rd").ask_token()
        for name in (real.username, unique("nobody"), "robot$nobody")
    ]

    assert {(answer.status, answer.body) for answer in answers} == {(401, answers[0].body)}


@row("T23")
@pytest.mark.parametrize("harm", ["missing", "readable", "no key"])
async def test_without_its_own_signing_key_the_server_does_not_start(kind: str, stores: Stores, harm: str) -> None:
    settings = stores.make_settings(kind)
    (path,) = settings.token_key_folder.glob("*.pem")
    harms: dict[str, Callable[[Path], object]] = {
        "missing": Path.unlink,
        "readable": lambda file: file.chmod(0o644),
        "no key": lambda file: file.write_bytes(os.urandom(100)),
    }
    harms[harm](path)

    with pytest.raises(StartFailed):
        await Server(settings).start()


# -- uploads that outlive their token ---------------------------------------------------------------------


def aged(server: Server, token: str, seconds: int) -> str:
    """A token as if it had been issued earlier."""
    claims = decode64(token.split(".")[1])
    return forge(server, token, **{name: claims[name] - seconds for name in ("iat", "nbf", "exp")})


async def test_an_upload_may_finish_for_a_day_after_its_token_expired(app: Server, repo: Repo) -> None:
    """Only at that upload's own URL; everywhere else the expired token is refused."""
    location = (await repo.open()).location
    fresh = (await repo.client.bearer(repo.name))["authorization"].removeprefix("Bearer ")
    old = aged(app, fresh, 7200)
    await move_start(app, repo, 7200)
    headers = {"authorization": f"Bearer {old}"}

    assert (await repo.send("GET", location, headers=headers)).status == 204
    patched = await repo.send("PATCH", location, b"moor", headers=headers)
    assert patched.status == 202
    for method, rest in (("GET", "tags/list"), ("POST", "blobs/uploads/"), ("PUT", "manifests/x"), ("HEAD", "blobs/x")):
        assert (await repo.send(method, rest, headers=headers)).status == 401
    assert (await repo.close(patched.location, digest_of(b"moor"), headers=headers)).status == 201


async def move_start(server: Server, repo: Repo, seconds: int) -> None:
    """Let the uploads of a client have begun earlier."""
    if server.database.kind == "sqlite":
        statement = "UPDATE upload SET started_at = started_at - :by * 1000000 WHERE principal_id = :id"
    else:
        statement = "UPDATE upload SET started_at = started_at - :by * interval '1 second' WHERE principal_id = :id"
    await server.rows(statement, by=seconds, id=repo.client.id)


@pytest.mark.parametrize(
    ("shift", "start", "status"),
    [(25 * 3600 + 1800, 25 * 3600 + 1800, 401), (2 * 3600, 0, 401), (1800 + 30, 1800 + 30, 204)],
)
async def test_a_token_too_old_or_older_than_the_upload_finishes_nothing(
    app: Server, repo: Repo, shift: int, start: int, status: int
) -> None:
    location = (await repo.open()).location
    fresh = (await repo.client.bearer(repo.name))["authorization"].removeprefix("Bearer ")
    old = aged(app, fresh, shift)
    await move_start(app, repo, start)

    answer = await repo.send("GET", location, headers={"authorization": f"Bearer {old}"})

    assert answer.status == status
    if status == 401:
        assert answer.challenge["error"] == "invalid_token"


async def test_the_expired_token_of_somebody_else_finishes_nothing(app: Server, repo: Repo, project: str) -> None:
    location = (await repo.open()).location
    other = repo.seen_by(await make_robot(app, project, "pull", "push"))

    assert (await other.get(location)).code == "BLOB_UPLOAD_UNKNOWN"
