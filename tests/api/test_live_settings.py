"""Live settings at work: a change holds for the next request, at every worker."""

from typing import Any

import pytest

from moorage.configuration.service import set_items
from moorage.sealing import Seals
from tests.api.client import Server
from tests.api.conftest import Serve, make_project, make_robot

pytestmark = pytest.mark.usefixtures("kind")


async def put(server: Server, **changes: Any) -> None:
    """What a PUT at another worker does."""
    await server.run(set_items, Seals(server.settings.seal_key_folder), changes)


async def test_tokens_live_as_long_as_the_settings_say(serve: Serve) -> None:
    server = await serve()
    robot = await make_robot(server, await make_project(server), "pull")

    lifetimes = []
    for minutes in (1, 30, 9_999_999_999):
        await put(server, token_expiration=minutes)
        lifetimes.append((await robot.ask_token()).json()["expires_in"])

    assert lifetimes == [60, 1800, 86_400]


async def test_a_robot_signs_in_under_its_new_name_at_once(serve: Serve) -> None:
    server = await serve()
    robot = await make_robot(server, await make_project(server), "pull")
    await put(server, robot_name_prefix="bot_")

    refused = await robot.ask_token()
    robot.username = robot.username.replace("robot$", "bot_")
    answered = await robot.ask_token()

    assert (refused.status, answered.status) == (401, 200)
