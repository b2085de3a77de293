"""Accounts of users that another system knows, updated at each sign-in.

One function for all such sources (LDAP, OpenID Connect, a proxy's header), and one set of rules: an account belongs to
one source and to one subject in it, for ever. The same name or e-mail address elsewhere never makes two people one.
"""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from moorage.access.policy import Account
from moorage.db.unit_of_work import Work
from moorage.errors import AccountDisabled, EmailInvalid, NameTaken, UserExists, UserNameInvalid
from moorage.events import GroupCreated, UserChanged
from moorage.oci.names import fold_user_name, parse_user_name
from moorage.users.groups import MAX_GROUP_NAME_CHARACTERS
from moorage.users.service import bump_epoch, create_user, end_sign_ins, parse_email
from moorage.users.tables import Group, GroupMember, Principal, User

MAX_GROUPS = 1_000
"""Groups that are taken of one person; a source that sends more is cut there, in the order it sent them."""

MAX_SUBJECT_CHARACTERS = 255

LDAP_GROUP, HTTP_GROUP, OIDC_GROUP = 1, 2, 3
"""The contract's numbers of group kinds."""


class GroupRef(msgspec.Struct, frozen=True):
    """A group as its source names it.

    Attributes:
        kind: the contract's number.
        key: what tells it apart within its kind: a folded DN, or the name.
        name: as shown.
    """

    kind: int
    key: str
    name: str


class Known(msgspec.Struct, frozen=True):
    """A person as a source describes them.

    Attributes:
        source: `ldap`, `oidc`, `header`.
        subject: what the source calls them for ever: it survives a new name.
        name: the user name for a new account; an account that is there keeps its own, unless `follow_name` is set.
        follow_name: give an account that is there a new `name`, if that can be one and is free.
        email: an address that the source vouches for; None when it does not, or has none.
        groups: all of their groups; None: the source does not say, so what is stored stays.
        admin: whether the source makes them a system administrator.
    """

    source: str
    subject: str
    name: str
    email: str | None = None
    realname: str = ""
    groups: Sequence[GroupRef] | None = None
    admin: bool = False
    follow_name: bool = False


_LITE, _PG = sqlite.insert(Group), postgresql.insert(Group)
_ENSURE_GROUP = {
    "sqlite": _LITE.on_conflict_do_nothing(index_elements=["kind", "key"]),
    "postgresql": _PG.on_conflict_do_nothing(index_elements=["kind", "key"]),
}
_PERSON = (
    select(
        Principal.id,
        Principal.name,
        Principal.folded,
        Principal.epoch,
        Principal.disabled,
        User.admin,
        User.admin_by_source,
        User.email,
        User.realname,
    )
    .join(User, User.principal_id == Principal.id)
    .where(
        User.source == bindparam("source"), User.source_subject == bindparam("subject"), Principal.deleted_at.is_(None)
    )
    .with_for_update(of=Principal.__table__)
)
"""Locked: of two sign-ins of one person at once, the second sees what the first one changed."""
_MEMBERSHIPS = (
    select(Group.id, Group.kind, Group.key)
    .join(GroupMember, GroupMember.group_id == Group.id)
    .where(GroupMember.principal_id == bindparam("user"))
)


def find_person(work: Work, source: str, subject: str) -> int | None:
    """The user id of a source's subject; None: they never signed in here."""
    found: int | None = work.db.scalar(_PERSON, {"source": source, "subject": stored_subject(subject)})
    return found


def ensure_person(work: Work, known: Known) -> Account:
    """The account of somebody whom `known.source` just vouched for: made at the first sign-in, else brought up to date.

    The account is found by source and subject, and by nothing else. E-mail address, real name and whether the source
    makes them an administrator are those of now; the groups are exactly those of now, groups that are new here are
    made. Somebody who loses a group or the administrator's rights loses tokens and sessions, too. An address that
    somebody else has is left out, silently: it must not keep a person from signing in, nor make two people one.

    Raises:
        NameTaken: a new person's name is that of another account, of whatever source (two names that differ only by
            case are one).
        UserNameInvalid: a new person's name cannot be one; a `/` cannot be in it either.
        AccountDisabled: an administrator here locked the account. Nothing was changed.

    Safe to repeat, and for two at once: the unique indexes decide. Cost: two statements when nothing changed.
    """
    values = {"source": known.source, "subject": stored_subject(known.subject)}
    row = work.db.execute(_PERSON, values).first()
    if row is None:
        _create(work, known)
        row = work.db.execute(_PERSON, values).one()
    if row.disabled:
        raise AccountDisabled
    user_id: int = row.id
    name: str = row.name
    if known.follow_name and fold_user_name(known.name) != row.folded:
        name = _rename(work, user_id, name, known.name)
    _update_profile(work, known, user_id, row.email, row.realname)
    lost = False
    if known.groups is not None:
        lost = _replace_groups(work, user_id, name, known.groups)
    if bool(row.admin_by_source) != known.admin:
        work.db.execute(update(User).where(User.principal_id == user_id).values(admin_by_source=known.admin))
        work.emit(UserChanged(user_id, name, "admin" if known.admin else "no_admin"))
        lost = lost or not known.admin
    if lost:
        bump_epoch(work, user_id)
        end_sign_ins(work, user_id)
    return Account(principal_id=user_id, epoch=row.epoch + lost, kind="user", name=name, admin=row.admin or known.admin)


def release_subject(work: Work, user_id: int) -> None:
    """Let the next person of this account's name and source take it over: after a move of the directory, for example.

    What was issued to the account stops working.

    Raises:
        UserUnknown: there is no such user.
    """
    name = bump_epoch(work, user_id)
    end_sign_ins(work, user_id)
    work.db.execute(update(User).where(User.principal_id == user_id).values(source_subject=None))
    work.emit(UserChanged(user_id, name, "source"))


def clean_groups(kind: int, names: Iterable[object]) -> list[GroupRef]:
    """Groups that a source sent by name alone: no empty ones, none twice, none that cannot be stored, 1,000 at most.

    What is no text is left out, and so is a name over 255 characters: cut short, it could be that of another group.
    """
    found: dict[str, GroupRef] = {}
    for name in names:
        if len(found) >= MAX_GROUPS:
            break
        if isinstance(name, str) and 0 < len(name) <= MAX_GROUP_NAME_CHARACTERS and name.isprintable() and name.strip():
            found.setdefault(name, GroupRef(kind, name, name))
    return list(found.values())


def stored_subject(subject: str) -> str:
    """A subject as it is stored; one that is too long, or that a database cannot hold, by its SHA-256."""
    if len(subject) <= MAX_SUBJECT_CHARACTERS and subject.isprintable():
        return subject
    return f"sha256:{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _clean_realname(text: str) -> str:
    return "".join(character for character in text[:255] if character.isprintable()).strip()


def _create(work: Work, known: Known) -> None:
    """Make the account."""
    if "/" in known.name:
        raise UserNameInvalid(name=known.name[:255])
    email = _usable_email(work, known.email, None)
    try:
        create_user(
            work,
            known.name,
            email=email,
            realname=_clean_realname(known.realname),
            source=known.source,
            source_subject=stored_subject(known.subject),
        )
    except UserExists as error:
        if find_person(work, known.source, known.subject) is not None or _take_over(work, known):
            return  # they signed in twice at the same moment, or the account waits for them
        raise NameTaken(name=known.name) from error


def _take_over(work: Work, known: Known) -> bool:
    """Be the person of the account that has this name and was released; whether there is one."""
    named = select(Principal.id).where(
        Principal.kind == "user", Principal.folded == fold_user_name(known.name), Principal.deleted_at.is_(None)
    )
    taken = work.db.execute(
        update(User)
        .where(User.principal_id.in_(named), User.source == known.source, User.source_subject.is_(None))
        .values(source_subject=stored_subject(known.subject))
    )
    return taken.rowcount == 1


def _rename(work: Work, user_id: int, name: str, new_name: str) -> str:
    """The name of the account from now on: the new one, unless it cannot be one or is taken."""
    try:
        new_name = parse_user_name(new_name)
        with work.db.begin_nested():
            bump_epoch(work, user_id, by=0, name=new_name, folded=fold_user_name(new_name))
    except (UserNameInvalid, IntegrityError):
        return name
    work.emit(UserChanged(user_id, new_name, "name"))
    return new_name


def _update_profile(work: Work, known: Known, user_id: int, email: str | None, realname: str) -> None:
    """Take over what describes the person. A source that says nothing leaves what is there."""
    changes: dict[str, object] = {}
    new_realname = _clean_realname(known.realname)
    if new_realname and new_realname != realname:
        changes["realname"] = new_realname
    if known.email and known.email != email:
        usable = _usable_email(work, known.email, user_id)
        if usable is not None and usable != email:
            changes["email"], changes["email_folded"] = parse_email(usable)
    if changes:
        work.db.execute(update(User).where(User.principal_id == user_id).values(changes))


def _usable_email(work: Work, email: str | None, user_id: int | None) -> str | None:
    """The address, unless it is none or somebody else's."""
    try:
        email, folded = parse_email(email)
    except EmailInvalid:
        return None
    owner = work.db.scalar(select(User.principal_id).where(User.email_folded == folded)) if folded else None
    return email if owner in {None, user_id} else None


def _replace_groups(work: Work, user_id: int, name: str, groups: Sequence[GroupRef]) -> bool:
    """Let the person be in these groups and no others; whether they left one."""
    wanted = {(group.kind, group.key): group for group in groups[:MAX_GROUPS]}
    held = {(row.kind, row.key): row.id for row in work.db.execute(_MEMBERSHIPS, {"user": user_id})}
    left = [group_id for place, group_id in held.items() if place not in wanted]
    joined = [group for place, group in sorted(wanted.items()) if place not in held]
    if left:
        work.db.execute(delete(GroupMember).where(GroupMember.principal_id == user_id, GroupMember.group_id.in_(left)))
    if joined:
        ids = [_ensure_group(work, group) for group in joined]
        work.db.execute(insert(GroupMember), [{"principal_id": user_id, "group_id": group_id} for group_id in ids])
    if left or joined:
        work.emit(UserChanged(user_id, name, "groups"))
    return bool(left)


def _ensure_group(work: Work, group: GroupRef) -> int:
    """The id of a group, which is made unless it is there."""
    find = select(Group.id).where(Group.kind == group.kind, Group.key == group.key)
    found = work.db.scalar(find)
    if found is None:
        name = group.name[:255]
        made = work.db.execute(
            _ENSURE_GROUP[work.db.dialect.name],
            {"kind": group.kind, "key": group.key, "name": name, "created_at": work.now},
        ).rowcount
        found = work.db.scalars(find).one()
        if made:  # nobody was faster
            work.emit(GroupCreated(found, name))
    return found
