"""Signing in through an OpenID provider, from the first redirect to the last logout (threats.md B3: A6, O1)."""

import pytest
import pytest_asyncio

from tests.api.browser import Browser, configure
from tests.api.client import Answer, Server
from tests.api.conftest import Serve
from tests.parts import Parts
from tests.parts.oidc import Oidc

pytestmark = pytest.mark.part("oidc")

CURRENT = "/api/v2.0/users/current"
PEOPLE = {
    "alice-1": {
        "preferred_username": "alice", "name": "Alice A.", "email": "alice@example.test", "email_verified": True,
        "groups": ["dev", "ops"],
    },
    "boss-1": {"preferred_username": "boss", "name": "The Boss", "groups": ["admins"]},
}  # fmt: skip


@pytest.fixture
def provider(parts: Parts) -> Oidc:
    """The provider, with its people as they were."""
    found = parts.get("oidc", Oidc)
    found.change(people=PEOPLE, rotate=True)
    return found


def settings_for(provider: Oidc, **changes: object) -> dict[str, object]:
    """The live settings that name the provider."""
    client_id, secret = provider.client
    return {
        "auth_sources": ["local", "oidc"], "oidc_name": "Test", "oidc_endpoint": provider.issuer,
        "oidc_client_id": client_id, "oidc_client_secret": secret,
        "oidc_scope": "openid,profile,email,groups,offline_access", "oidc_user_claim": "preferred_username",
        "oidc_groups_claim": "groups", "oidc_admin_group": "admins", "oidc_auto_onboard": True, **changes,
    }  # fmt: skip


async def sign_in(browser: Browser, provider: Oidc, person: str, *, redirect_url: str = "/harbor/projects") -> Answer:
    """Go to the provider, be that person there, come back."""
    begun = await browser.get(f"/c/oidc/login?redirect_url={redirect_url}")
    assert begun.status == 302, begun
    back = provider.sign_in(begun.location, person)
    return await browser.get(back.partition("registry.test")[2])


@pytest_asyncio.fixture(loop_scope="session")
async def server(serve: Serve, provider: Oidc) -> Server:
    """A server that lets the provider's people in."""
    made = await serve()
    await configure(made, **settings_for(provider))
    return made


async def test_somebody_new_comes_in(server: Server, provider: Oidc) -> None:
    browser = Browser(server)

    answer = await sign_in(browser, provider, "alice-1")

    assert (answer.status, answer.location) == (302, "/harbor/projects")
    assert await browser.who() == "alice"
    assert set(browser.cookies) == {"sid", "csrf"}
