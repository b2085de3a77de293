"""`moorage user`: create, list, set-password, set-admin."""

import argparse
import json
from typing import TYPE_CHECKING

from moorage.cli.administration import PAGE, add_password, open_store, print_table, read_password
from moorage.cli.arguments import Commands, add_command, add_group, add_json
from moorage.cli.exit_status import DONE
from moorage.cli.prepare import ADMIN_PASSWORD

if TYPE_CHECKING:
    from moorage.db.unit_of_work import Work
    from moorage.users.service import Person


def add(commands: Commands) -> None:
    """Describe the commands."""
    group = add_group(commands, "user", "create, list and change the accounts of people")

    create = add_command(group, "create", run_create, does="create an account", examples="""
moorage user create alice --email alice@example.com
pass show alice | moorage user create alice --password-stdin
""")  # fmt: skip
    create.add_argument("name", metavar="NAME")
    create.add_argument("--email", metavar="ADDRESS", help="must be no other account's")
    create.add_argument("--realname", metavar="TEXT", default="", help="as shown beside the name")
    create.add_argument("--admin", action="store_true", help="make it a system administrator")
    add_password(create)
    add_json(create)

    show = add_command(group, "list", run_list, does="list all accounts of people", examples="""
moorage user list
moorage user list --json | jq -r '.[] | select(.admin) | .name'
""")  # fmt: skip
    add_json(show)

    password = add_command(group, "set-password", run_set_password, does="change a password; tokens and sessions end",
                           examples="""
moorage user set-password admin
printf '%s' "$NEW" | moorage user set-password admin --password-stdin
""")  # fmt: skip
    password.add_argument("name", metavar="NAME", help="the account's name or e-mail address")
    add_password(password)
    add_json(password)

    admin = add_command(group, "set-admin", run_set_admin, does="make somebody a system administrator, or end that",
                        examples="""
moorage user set-admin alice
moorage user set-admin alice --off
""")  # fmt: skip
    admin.add_argument("name", metavar="NAME", help="the account's name or e-mail address")
    admin.add_argument("--off", action="store_true", help="take it away; the last administrator stays one")


def run_create(arguments: argparse.Namespace) -> int:
    """Create an account."""
    with open_store(arguments) as store:
        from moorage.users.passwords import hash_password
        from moorage.users.service import create_user

        password, is_made = read_password(arguments)
        user_id = store.run(
            create_user,
            arguments.name,
            password_hash=hash_password(password),
            email=arguments.email,
            realname=arguments.realname,
            admin=arguments.admin,
        )
    if arguments.json:
        print(json.dumps({"id": user_id, "name": arguments.name, **({"password": password} if is_made else {})}))
    else:
        print(f"Created the user {arguments.name} (id {user_id}).")
        if is_made:
            print(f"Password, shown only now: {password}")
    return DONE


def run_list(arguments: argparse.Namespace) -> int:
    """List all accounts, in the byte order of their folded names."""
    from moorage.users.service import list_users

    people: list[Person] = []
    with open_store(arguments) as store:
        while page := store.run(list_users, after=people[-1].name if people else "", limit=PAGE):
            people.extend(page)
    if arguments.json:
        rows = [
            {
                "id": person.id, "name": person.name, "email": person.email, "realname": person.realname,
                "admin": person.admin, "disabled": person.disabled, "source": person.source,
                "created_at": person.created_at.isoformat(),
            }
            for person in people
        ]  # fmt: skip
        print(json.dumps(rows, indent=2))
    else:
        print_table(
            ("ID", "NAME", "E-MAIL", "ADMIN", "STATE", "FROM"),
            [
                (
                    who.id,
                    who.name,
                    who.email,
                    "yes" if who.admin else "",
                    "disabled" if who.disabled else "",
                    who.source,
                )
                for who in people
            ],
        )
    return DONE


def run_set_password(arguments: argparse.Namespace) -> int:
    """Change a password; that of the first administrator ends the file in the data folder."""
    with open_store(arguments) as store:
        from moorage.users.passwords import hash_password
        from moorage.users.service import ADMIN_ID, set_password

        person = store.run(_get, arguments.name)
        password, is_made = read_password(arguments)
        store.run(set_password, person.id, hash_password(password))
        if person.id == ADMIN_ID:
            (store.settings.data_folder / ADMIN_PASSWORD).unlink(missing_ok=True)
    if arguments.json:
        print(json.dumps({"id": person.id, "name": person.name, **({"password": password} if is_made else {})}))
    else:
        print(f"Changed the password of {person.name}; older tokens and sessions have ended.")
        if is_made:
            print(f"Password, shown only now: {password}")
    return DONE


def run_set_admin(arguments: argparse.Namespace) -> int:
    """Give or take the rights of a system administrator."""
    with open_store(arguments) as store:
        from moorage.users.service import set_admin

        person = store.run(_get, arguments.name)
        store.run(set_admin, person.id, admin=not arguments.off)
    print(f"{person.name} is {'no longer' if arguments.off else 'now'} a system administrator.")
    return DONE


def _get(work: "Work", name: str) -> "Person":
    """The person of this name or address.

    Raises:
        UserUnknown: there is none.
    """
    from moorage.users.service import find_user, get_user_by_name

    return find_user(work, name) or get_user_by_name(work, name)
