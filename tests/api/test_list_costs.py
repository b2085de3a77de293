"""A list takes as many statements for a hundred rows as for one, whoever asks."""

from moorage.access.policy import Role
from tests.api.client import Client, Server
from tests.api.conftest import make_project, make_user
from tests.api.statements import counting

BASE = "/api/v2.0"
LISTS = {
    "projects": (f"{BASE}/projects?page_size=100&public=false", 2),
    "projects by owner": (f"{BASE}/projects?page_size=100&public=false&sort=-owner_name", 2),
    "projects that a filter finds": (f"{BASE}/projects?page_size=100&public=false&q=name=~p", 2),
    "projects without detail": (f"{BASE}/projects?page_size=100&public=false&with_detail=false", 2),
    "repositories": (f"{BASE}/repositories?page_size=100", 2),
    "repositories that a filter finds": (f"{BASE}/repositories?page_size=100&q=name=~app", 3),
    "search": (f"{BASE}/search?q=p", 2),
}
"""Each with the most statements it may take."""


async def test_a_list_takes_as_many_statements_for_a_hundred_rows_as_for_one(app: Server, admin: Client) -> None:
    seen: dict[str, set[int]] = {}
    for rows in (1, 10, 100):
        names = [await make_project(app) for _ in range(rows)]
        for name in names:
            await admin.repo(f"{name}/app").image("v1")
        member = await make_user(app, dict.fromkeys(names, Role.DEVELOPER))
        for who in (member, admin):
            for name, (path, most) in LISTS.items():
                answer = await app.send("GET", path, headers=who.basic)
                with counting() as counted:
                    assert (await app.send("GET", path, headers=who.basic)).status == 200
                found = answer.json()["project"] if name == "search" else answer.json()
                if who is member and name.startswith("projects"):
                    assert len(found) == rows
                assert len(found) >= rows
                assert 0 < len(counted) <= most, name
                seen.setdefault(f"{name}, {'member' if who is member else 'admin'}", set()).add(len(counted))
    assert all(len(counts) == 1 for counts in seen.values()), seen
