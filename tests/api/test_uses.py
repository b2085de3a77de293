"""When accounts were last let in: written behind the answer, and shown to administrators."""

import pytest

from moorage.db.engine import Database
from moorage.errors import DatabaseUnavailable
from moorage.users.last_use import EVERY_SECONDS, UseNotes, write_uses
from tests.api.client import Client, Server
from tests.api.conftest import make_robot, make_user
from tests.api.test_labels_api import ask
from tests.api.workers import until


async def used(app: Server, who: Client) -> object:
    """When, as the database has it; None: never."""
    ((at,),) = await app.rows("SELECT used_at FROM principal WHERE id = :id", id=who.id)
    return at


async def test_whoever_signs_in_is_noted_and_a_token_is_not_held_up_by_it(
    app: Server, admin: Client, project: str
) -> None:
    robot = await make_robot(app, project, "pull")
    person = await make_user(app)
    for who in (robot, person):
        assert await used(app, who) is None
        assert (await who.ask_token()).status == 200

    async def both() -> bool:
        return await used(app, robot) is not None and await used(app, person) is not None

    await until(both)
    shown = (await ask(app, admin, "GET", f"/robots/{robot.id}")).json()
    assert shown["last_used"] >= shown["secret_time"] >= shown["creation_time"]
    listed = (await ask(app, admin, "GET", f"/users?q=username={person.username}&sort=-last_used")).json()
    assert [bool(one["last_used"]) for one in listed] == [True]


async def test_a_new_secret_is_young(app: Server, admin: Client, project: str) -> None:
    robot = await make_robot(app, project, "pull")
    for sent in ({"secret": ""}, {"secret": "Ch0sen-by-somebody"}):
        await app.rows(
            "UPDATE robot SET secret_at = (SELECT created_at FROM principal WHERE id = :id) WHERE principal_id = :id",
            id=robot.id,
        )
        old = (await ask(app, admin, "GET", f"/robots/{robot.id}")).json()
        assert old["secret_time"] == old["creation_time"]

        assert (await ask(app, admin, "PATCH", f"/robots/{robot.id}", sent)).status == 200

        assert (await ask(app, admin, "GET", f"/robots/{robot.id}")).json()["secret_time"] > old["secret_time"]


async def test_what_cannot_be_written_stays_noted_and_a_minute_is_exact_enough(app: Server) -> None:
    first, second = await make_user(app), await make_user(app)
    now = 1000.0
    notes = UseNotes(lambda: now)
    for who in (first, second, first):
        notes.note(who.id)

    class Away(Database):
        """A database that cannot be reached."""

        async def run(self, *_: object, **__: object) -> None:  # type: ignore[override]
            """Fail."""
            raise DatabaseUnavailable

    with pytest.raises(DatabaseUnavailable):
        await notes.flush(Away.__new__(Away))
    await notes.flush(app.database)
    assert None not in {await used(app, first), await used(app, second)}

    await app.rows("UPDATE principal SET used_at = NULL WHERE id = :id", id=first.id)
    notes.note(first.id)
    await notes.flush(app.database)
    assert await used(app, first) is None  # this process knows that it is written
    now += EVERY_SECONDS
    notes.note(first.id)
    await notes.flush(app.database)
    before = await used(app, first)
    assert before is not None
    await app.run(write_uses, [first.id])
    assert await used(app, first) == before  # another process wrote it less than a minute ago
