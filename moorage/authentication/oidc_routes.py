"""Routes for users of an OpenID provider, and to test a provider."""

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import inside, system
from moorage.authentication import oidc_accounts, oidc_provider
from moorage.authentication.oidc_http import GuardedHttp, Trust
from moorage.configuration.cached_settings import Live
from moorage.configuration.validation import read_value
from moorage.errors import ItemInvalid, NoOidcUser, OidcOff, OidcSettingsInvalid, PasswordInvalid, UserUnknown
from moorage.users.passwords import Passwords, require_good_password


class OIDCCliSecretReq(msgspec.Struct, kw_only=True):
    """A new CLI secret."""

    secret: str | None = None
    """Ours: left out or empty, one is made up and answered."""


class CliSecretOut(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Ours: the CLI secret that was made up. It is shown this once."""

    secret: str = ""


class OIDCPing(msgspec.Struct, kw_only=True):
    """A provider to test."""

    url: str = ""
    verify_cert: bool = True
    ca_certificate: str = ""
    """Ours: certificates (PEM) that the provider's may come from; as the setting `oidc_ca_certificate`."""


@operation(
    "PUT", "/users/{user_id:int}/cli_secret", id="setCliSecret", tag="user",
    needs=inside("oneself, or an administrator; only people of an OpenID provider"),
    problems=(PasswordInvalid, NoOidcUser, UserUnknown, OidcOff),
)  # fmt: skip
async def set_cli_secret(
    data: JSONBody[OIDCCliSecretReq],
    call: NamedDependency[Call],
    user_id: FromPath[int],
    passwords: NamedDependency[Passwords],
    live: NamedDependency[Live],
) -> Response[CliSecretOut]:
    """Replace the CLI secret; the old one stops working at once."""
    account = call.require_sign_in()
    is_self = account.kind == "user" and account.principal_id == user_id
    if not is_self and not call.admin:
        raise call.denied("user:update", "system", None)
    if not oidc_provider.is_on(await live.items()):
        raise OidcOff
    chosen = data.secret or ""
    if chosen:
        require_good_password(chosen)
    secret = chosen or oidc_accounts.generate_cli_secret()
    await call.run(oidc_accounts.set_cli_secret, user_id, await passwords.hash(secret))
    return Response(CliSecretOut(secret="" if chosen else secret))


@operation(
    "POST", "/system/oidc/ping", id="pingOIDC", tag="oidc", needs=system("configuration:update"),
    problems=(OidcSettingsInvalid, ItemInvalid),
)  # fmt: skip
async def ping_oidc(data: JSONBody[OIDCPing], oidc_http: NamedDependency[GuardedHttp]) -> Response[None]:
    """Test an OpenID provider before it is set; a refusal says what went wrong."""
    ca = read_value("oidc_ca_certificate", data.ca_certificate)
    await oidc_provider.ping(oidc_http, data.url, Trust(data.verify_cert, ca))
    return Response(None)


ROUTES = (set_cli_secret, ping_oidc)
