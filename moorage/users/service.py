"""Create, change and delete user accounts."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Executable, bindparam, column, delete, insert, or_, select, table, update
from sqlalchemy.exc import IntegrityError

from moorage.access.policy import Role
from moorage.access.tables import RoleBinding
from moorage.db.seed import reserve_id
from moorage.db.unit_of_work import Work
from moorage.errors import EmailInvalid, LastAdministrator, UserExists, UserUnknown
from moorage.events import UserChanged, UserCreated
from moorage.oci.names import fold_user_name, parse_user_name
from moorage.users.tables import AccessToken, GroupMember, Preferences, Principal, RefreshToken, Session, User

ADMIN_ID = 1
ADMIN_NAME = "admin"
MAX_EMAIL_CHARACTERS = 255

_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]\\]+@[^\s@\"(),:;<>\[\]\\]+")


class Person(msgspec.Struct, frozen=True):
    """A user as others see it. `password` says whether there is a hash, never which."""

    id: int
    name: str
    email: str | None
    realname: str
    comment: str
    admin: bool
    disabled: bool
    source: str
    created_at: datetime
    updated_at: datetime


_PEOPLE = (
    select(
        Principal.id,
        Principal.name,
        User.email,
        User.realname,
        User.comment,
        User.admin,
        Principal.disabled,
        User.source,
        Principal.created_at,
        Principal.updated_at,
    )
    .join(User, User.principal_id == Principal.id)
    .where(Principal.kind == "user", Principal.deleted_at.is_(None))
)
_BY_ID = _PEOPLE.where(Principal.id == bindparam("id"))
_BY_NAME = _PEOPLE.where(Principal.folded == bindparam("folded"))
_BY_NAME_OR_EMAIL = _PEOPLE.where(
    or_(Principal.folded == bindparam("folded"), User.email_folded == bindparam("folded"))
).order_by(Principal.folded != bindparam("folded"))
_PAGE = _PEOPLE.where(Principal.folded > bindparam("after")).order_by(Principal.folded).limit(bindparam("limit"))
_ADMINISTRATORS = (
    select(Principal.id)
    .join(User, User.principal_id == Principal.id)
    .where(User.admin, Principal.disabled.is_(False), Principal.deleted_at.is_(None))
    .order_by(Principal.id)
    .with_for_update()
)


# -- reading ----------------------------------------------------------------------------------------------


def get_user(work: Work, user_id: int) -> Person:
    """The user with this id.

    Raises:
        UserUnknown: there is none, or it was deleted.
    """
    found = _find(work, _BY_ID, id=user_id)
    if found is None:
        raise UserUnknown(id=user_id)
    return found


def get_user_by_name(work: Work, name: str) -> Person:
    """The user of this name, without regard to case.

    Raises:
        UserUnknown: there is none.
    """
    found = _find(work, _BY_NAME, folded=fold_user_name(name))
    if found is None:
        raise UserUnknown(name=name)
    return found


def find_user(work: Work, name_or_email: str) -> Person | None:
    """The user of this name, else the one with this e-mail address."""
    return _find(work, _BY_NAME_OR_EMAIL, folded=fold_user_name(name_or_email))


def list_users(work: Work, *, after: str = "", limit: int = 100) -> Sequence[Person]:
    """A page of users in the byte order of their folded names, beginning behind the name `after`."""
    rows = work.db.execute(_PAGE, {"after": fold_user_name(after), "limit": limit})
    return [_person(row) for row in rows]


def get_password_hash(work: Work, user_id: int) -> str:
    """The stored hash of a user's password; empty: the account signs in elsewhere.

    Raises:
        UserUnknown: there is none.
    """
    found = work.db.scalar(
        select(User.password)
        .join(Principal, Principal.id == User.principal_id)
        .where(User.principal_id == user_id, Principal.deleted_at.is_(None))
    )
    if found is None:
        raise UserUnknown(id=user_id)
    return found


def has_role_somewhere(work: Work, user_id: int, role: Role) -> bool:
    """Whether a user holds a role in any live project, by themselves or by a group."""
    mine = select(GroupMember.group_id).where(GroupMember.principal_id == user_id)
    held = or_(RoleBinding.principal_id == user_id, RoleBinding.group_id.in_(mine))
    live = table("project", column("id"), column("trash_id"))  # a subject above this one; only its key is asked for
    return (
        work.db.scalar(
            select(RoleBinding.id)
            .join(live, live.c.id == RoleBinding.project_id)
            .where(held, RoleBinding.role == role, live.c.trash_id.is_(None))
            .limit(1)
        )
        is not None
    )


# -- changes ----------------------------------------------------------------------------------------------


def create_user(
    work: Work,
    name: str,
    *,
    password_hash: str = "",
    email: str | None = None,
    realname: str = "",
    comment: str = "",
    admin: bool = False,
    source: str = "local",
    source_subject: str | None = None,
) -> int:
    """Create a user and return the id.

    Args:
        password_hash: from `passwords`; empty: the account signs in elsewhere.

    Raises:
        UserNameInvalid, EmailInvalid: as they say.
        UserExists: the name, the address or the subject is taken; the unique indexes decide.
    """
    name = parse_user_name(name)
    email, email_folded = parse_email(email)
    try:
        with work.db.begin_nested():
            user_id = _insert(work, name, None)
            work.db.execute(
                insert(User).values(
                    principal_id=user_id,
                    email=email,
                    email_folded=email_folded,
                    realname=realname,
                    comment=comment,
                    admin=admin,
                    password=password_hash,
                    source=source,
                    source_subject=source_subject,
                )
            )
    except IntegrityError as error:
        raise UserExists(name=name) from error
    work.emit(UserCreated(user_id, name))
    return user_id


def ensure_admin(work: Work, password_hash: str) -> bool:
    """Make the first administrator, user 1 `admin`, unless there is a user 1; whether it was made.

    Safe to repeat, and safe when two replicas start at once: the primary key decides.
    """
    if work.db.scalar(select(Principal.id).where(Principal.id == ADMIN_ID)) is not None:
        return False
    try:
        with work.db.begin_nested():
            _insert(work, ADMIN_NAME, ADMIN_ID)
            work.db.execute(insert(User).values(principal_id=ADMIN_ID, admin=True, password=password_hash))
    except IntegrityError:
        return False
    reserve_id(work.db, "principal", ADMIN_ID)
    work.emit(UserCreated(ADMIN_ID, ADMIN_NAME))
    return True


def set_password(work: Work, user_id: int, password_hash: str) -> None:
    """Change a password. Tokens, refresh tokens and sessions of the user stop working.

    Raises:
        UserUnknown: there is none.
    """
    name = bump_epoch(work, user_id)
    work.db.execute(update(User).where(User.principal_id == user_id).values(password=password_hash))
    end_sign_ins(work, user_id)
    work.emit(UserChanged(user_id, name, "password"))


def set_profile(work: Work, user_id: int, *, email: str | None, realname: str, comment: str) -> None:
    """Change what describes a user; nothing stops working.

    Raises:
        UserUnknown: there is none.
        EmailInvalid: no address.
        UserExists: another user has this address.
    """
    name = bump_epoch(work, user_id, by=0)
    email, email_folded = parse_email(email)
    try:
        with work.db.begin_nested():
            work.db.execute(
                update(User)
                .where(User.principal_id == user_id)
                .values(email=email, email_folded=email_folded, realname=realname, comment=comment)
            )
    except IntegrityError as error:
        raise UserExists(name=name) from error
    work.emit(UserChanged(user_id, name, "profile"))


def set_admin(work: Work, user_id: int, *, admin: bool) -> None:
    """Make a user an administrator, or take that away, with all tokens.

    Raises:
        UserUnknown: there is none.
        LastAdministrator: nobody else is one.
    """
    if not admin:
        _require_other_administrator(work, user_id)
    name = bump_epoch(work, user_id, by=0 if admin else 1)
    work.db.execute(update(User).where(User.principal_id == user_id).values(admin=admin))
    if not admin:
        end_sign_ins(work, user_id)
    work.emit(UserChanged(user_id, name, "admin" if admin else "no_admin"))


def set_disabled(work: Work, user_id: int, *, disabled: bool) -> None:
    """Lock a user out, with all tokens, or let them in again.

    Raises:
        UserUnknown: there is none.
        LastAdministrator: nobody else is one.
    """
    if disabled:
        _require_other_administrator(work, user_id)
    name = bump_epoch(work, user_id, disabled=disabled)
    end_sign_ins(work, user_id)
    work.emit(UserChanged(user_id, name, "disabled" if disabled else "enabled"))


def delete_user(work: Work, user_id: int) -> None:
    """Delete a user: name and address are free at once, roles and tokens are gone, what they did stays on record.

    Raises:
        UserUnknown: there is none.
        LastAdministrator: nobody else is one.
    """
    _require_other_administrator(work, user_id)
    name = bump_epoch(work, user_id, deleted_at=work.now)
    work.db.execute(
        update(User)
        .where(User.principal_id == user_id)
        .values(email=None, email_folded=None, source_subject=None, password="", admin=False, admin_by_source=False)
    )
    end_sign_ins(work, user_id)
    work.db.execute(delete(AccessToken).where(AccessToken.principal_id == user_id))
    work.db.execute(delete(RoleBinding).where(RoleBinding.principal_id == user_id))
    work.db.execute(delete(GroupMember).where(GroupMember.principal_id == user_id))
    work.db.execute(delete(Preferences).where(Preferences.principal_id == user_id))
    work.emit(UserChanged(user_id, name, "deleted"))


def bump_epoch(work: Work, user_id: int, *, by: int = 1, **values: object) -> str:
    """Change a user's principal, end what was issued to it before (unless `by` is 0), and return its name.

    Raises:
        UserUnknown: there is none.
    """
    name: str | None = work.db.scalar(
        update(Principal)
        .where(Principal.id == user_id, Principal.kind == "user", Principal.deleted_at.is_(None))
        .values(epoch=Principal.epoch + by, updated_at=work.now, **values)
        .returning(Principal.name)
    )
    if name is None:
        raise UserUnknown(id=user_id)
    return name


def _find(work: Work, statement: Executable, **values: object) -> Person | None:
    row = work.db.execute(statement, values).first()
    return None if row is None else _person(row)


def _person(row: Any) -> Person:  # noqa: ANN401 - the columns of _PEOPLE; SQLAlchemy types fewer
    return Person(*row)


def _insert(work: Work, name: str, user_id: int | None) -> int:
    values: dict[str, object] = {
        "kind": "user", "name": name, "folded": fold_user_name(name), "created_at": work.now, "updated_at": work.now,
    }  # fmt: skip
    if user_id is not None:
        values["id"] = user_id
    return work.db.execute(insert(Principal).values(values).returning(Principal.id)).scalar_one()


def parse_email(text: str | None) -> tuple[str | None, str | None]:
    """An e-mail address as typed, in normal form C, and folded; None for none.

    Raises:
        EmailInvalid: it is no address.
    """
    if not text:
        return None, None
    email = unicodedata.normalize("NFC", text) if len(text) <= MAX_EMAIL_CHARACTERS else ""
    if len(email) > MAX_EMAIL_CHARACTERS or _EMAIL.fullmatch(email) is None or not email.isprintable():
        raise EmailInvalid
    return email, fold_user_name(email)


def _require_other_administrator(work: Work, user_id: int) -> None:
    """Lock all enabled administrators, then look: of two who demote each other at once, one is refused."""
    administrators = work.db.scalars(_ADMINISTRATORS).all()
    if list(administrators) == [user_id]:
        raise LastAdministrator


def end_sign_ins(work: Work, user_id: int) -> None:
    """Forget the refresh tokens and sessions of a user; the epoch is what makes them stop working."""
    work.db.execute(delete(RefreshToken).where(RefreshToken.principal_id == user_id))
    work.db.execute(delete(Session).where(Session.principal_id == user_id))
