"""Why somebody may, or may not: the rules that speak to an action in a project, in the order they are asked.

This is the data plane's and the REST API's own answer told apart by rule: roles by `access.policy` and
`access.matrix`, robots by their rows, then what stops even those who have the right. A test holds it against what
both planes answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import and_, bindparam, exists, or_, select

from moorage.access.matrix import EVERY_PROJECT_PERMISSION, ROLE_PERMISSIONS
from moorage.access.policy import (
    API_READ,
    API_WRITE,
    DELETE,
    EVERY_ACTION,
    PULL,
    PUSH,
    REPOSITORY_ACTIONS,
    ROLE_NAMES,
    Role,
)
from moorage.access.tables import RoleBinding
from moorage.artifacts import rules
from moorage.artifacts.tables import Repository, Tag
from moorage.db.base import db_now
from moorage.db.work import Work
from moorage.identity import robots
from moorage.identity.tables import Group, GroupMember, Principal, Robot, RobotPermission, User
from moorage.oci.names import fold_user_name
from moorage.quotas import limits
from moorage.quotas import service as quotas

READS = frozenset({"read", "list", "pull"})
ROBOT_PERMISSIONS = frozenset(
    (resource, action) for resource, actions in robots.PROJECT_PERMISSIONS.items() for action in actions
)
KNOWN = EVERY_PROJECT_PERMISSION | ROBOT_PERMISSIONS

_ROBOT_ACTIONS = {
    PULL: {("repository", "pull")},
    PUSH: {("repository", "push")},
    DELETE: {("repository", "delete"), ("artifact", "delete")},
}
_NAMES = {role: name for name, role in ROLE_NAMES.items()}
_PERSON = (
    select(Principal.id, Principal.name, Principal.disabled, User.admin, User.admin_by_source)
    .join(User, User.principal_id == Principal.id)
    .where(Principal.kind == "user", Principal.folded == bindparam("folded"), Principal.deleted_at.is_(None))
)
_ROBOT = (
    select(Principal.id, Principal.disabled, Robot.project_id, Robot.expires_at <= db_now())
    .join(Robot, Robot.principal_id == Principal.id)
    .where(Principal.kind == "robot", Principal.name == bindparam("name"), Principal.deleted_at.is_(None))
)
_OWN = select(RoleBinding.role).where(
    RoleBinding.project_id == bindparam("project"), RoleBinding.principal_id == bindparam("who")
)
_OF_GROUPS = (
    select(RoleBinding.role, Group.name)
    .join(GroupMember, GroupMember.group_id == RoleBinding.group_id)
    .join(Group, Group.id == RoleBinding.group_id)
    .where(RoleBinding.project_id == bindparam("project"), GroupMember.principal_id == bindparam("who"))
    .order_by(Group.name, Group.id)
)
_GIVEN = select(RobotPermission.resource, RobotPermission.action, RobotPermission.scope).where(
    RobotPermission.robot_id == bindparam("who"),
    or_(
        RobotPermission.scope == "all",
        and_(RobotPermission.scope == "project", RobotPermission.project_id == bindparam("project")),
    ),
)
_PUBLIC = select(exists().where(RoleBinding.project_id == bindparam("project"), RoleBinding.role == Role.PUBLIC))
_TAG = (
    select(Tag.name)
    .join(Repository, Repository.id == Tag.repository_id)
    .where(
        Repository.path == bindparam("path"), Repository.project_id == bindparam("project"),
        Repository.trash_id.is_(None), Tag.name == bindparam("tag"),
    )
)  # fmt: skip
_LISTED = select(Repository.id).where(
    Repository.path == bindparam("path"), Repository.project_id == bindparam("project"),
    Repository.trash_id.is_(None), Repository.listed,
)  # fmt: skip


class Check(msgspec.Struct, frozen=True):
    """One rule. `allows`: it gives the right, it takes it away, or (null) it changes nothing here."""

    rule: str
    allows: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants to do what.

    Attributes:
        kind: `user`, `robot` or `anonymous`.
        name: of the user, or of the robot without the prefix.
        action: `pull`, `push`, `delete`, or `RESOURCE:ACTION` of `KNOWN`.
        path: the whole name of a repository, or "".
        tag: "" for none.
        scopes: of an access token that is used; None: none is.
        read_only: the live setting.
    """

    project_id: int
    kind: str
    name: str
    action: str
    path: str = ""
    tag: str = ""
    scopes: frozenset[str] | None = None
    read_only: bool = False

    @property
    def reads(self) -> bool:
        """Whether nothing is changed by it."""
        return self.action.rpartition(":")[2] in READS

    def role_allows(self, role: Role) -> bool:
        """Whether a role gives the right."""
        if self.action in EVERY_ACTION:
            return self.action in REPOSITORY_ACTIONS[role]
        return tuple(self.action.split(":")) in ROLE_PERMISSIONS[role]


def explain(work: Work, question: Question) -> list[Check]:
    """Every rule that speaks to the question, in the order they are asked; of who may not come in, that alone.

    Cost: a constant number of statements.
    """
    checks = list(_rights(work, question))
    if checks[0].allows is False:
        return checks
    if not any(check.allows for check in checks):
        checks.append(Check("no-right", False, f"Nothing gives the right to {question.action}."))
    elif question.action == PUSH and question.kind == "robot" and not _may_pull(work, question):
        checks.append(Check("push-needs-pull", False, "Pushing takes the right to pull, which the robot lacks."))
    checks.extend(_obstacles(work, question))
    return checks


def decide(checks: Sequence[Check]) -> tuple[bool, str]:
    """Whether it is allowed, and by which rule: the first that takes the right away, else the first that gives it."""
    refusing = next((check.rule for check in checks if check.allows is False), None)
    if refusing is not None:
        return False, refusing
    return True, next(check.rule for check in checks if check.allows)


def _may_pull(work: Work, question: Question) -> bool:
    """A push on /v2 asks for both; a role that pushes pulls, a robot need not."""
    return any(check.allows for check in _rights(work, replace(question, action=PULL)))


def _rights(work: Work, question: Question) -> Iterator[Check]:
    if question.kind == "user":
        yield from _of_person(work, question)
    elif question.kind == "robot":
        yield from _of_robot(work, question)
    else:
        yield Check("account", None, "Nobody is signed in.")
    public = bool(work.db.scalar(_PUBLIC, {"project": question.project_id}))
    # To a robot, being public gives what a registry client needs and what its permissions say, as to everybody.
    gives = public and question.role_allows(Role.PUBLIC)
    state = "public" if public else "private"
    yield Check("public-project", gives or None, f"The project is {state}.")


def _of_person(work: Work, question: Question) -> Iterator[Check]:
    row = work.db.execute(_PERSON, {"folded": fold_user_name(question.name)}).first()
    if row is None:
        yield Check("account", False, "There is no such user.")
        return
    who, name, disabled, admin, admin_by_source = row
    if disabled:
        yield Check("account", False, f"The account of {name} is disabled.")
        return
    yield Check("account", None, f"The account of {name} is in order.")
    is_admin = bool(admin or admin_by_source)
    yield Check("system-admin", is_admin or None, f"{name} is {'a' if is_admin else 'no'} system administrator.")
    values = {"project": question.project_id, "who": who}
    own = [Role(role) for role in work.db.scalars(_OWN, values)]
    for role in own:
        yield Check("role", question.role_allows(role) or None, f"{name} is {_NAMES[role]} here.")
    if not own:
        yield Check("role", None, f"{name} has no role of their own here.")
    for number, group in work.db.execute(_OF_GROUPS, values):
        role = Role(number)
        yield Check("group-role", question.role_allows(role) or None, f"The group {group} is {_NAMES[role]} here.")


def _of_robot(work: Work, question: Question) -> Iterator[Check]:
    row = work.db.execute(_ROBOT, {"name": question.name}).first()
    given = [] if row is None else work.db.execute(_GIVEN, {"project": question.project_id, "who": row[0]}).all()
    if row is None or (row[2] != question.project_id and not given):
        # Whether there is one elsewhere is told to nobody: it may do here what anybody may.
        yield Check("account", None, "There is no such robot with a right here; one of elsewhere is a stranger.")
        return
    if row[1] or row[3]:
        yield Check("account", False, f"The robot {'is disabled' if row[1] else 'has expired'}.")
        return
    yield Check("account", None, "The robot is in order.")
    held = {(one[0], one[1]): one[2] for one in given}
    if row[2] is not None and ("repository", "push") in held:  # a project's robot that may push may pull
        held.setdefault(("repository", "pull"), "push")
    resource, _, action = question.action.partition(":")
    wanted = _ROBOT_ACTIONS.get(question.action, {(resource, action)})
    found = sorted(wanted & held.keys())
    if not found:
        yield Check("robot-permission", None, f"The robot was not given {question.action} here.")
    for one in found:
        where = {"all": "in every project", "push": "because it may push"}.get(held[one], "in this project")
        yield Check("robot-permission", True, f"The robot has {':'.join(one)} {where}.")


def _obstacles(work: Work, question: Question) -> Iterator[Check]:
    if question.scopes is not None:
        yield _of_scopes(question, question.scopes)
    if not question.reads:
        blocked = question.read_only
        text = "The registry is read-only." if blocked else "The registry is not read-only."
        yield Check("read-only", False if blocked else None, text)
    if question.path and question.tag and question.action in {PUSH, DELETE, "tag:delete", "artifact:delete"}:
        yield _of_tag(work, question)
    if question.action == PUSH:
        usage = quotas.get_usage(work, question.project_id)
        full = usage.limit_bytes >= 0 and usage.used_bytes >= usage.limit_bytes
        left = quotas.format_size(max(0, usage.limit_bytes - usage.used_bytes))
        text = "The project has no quota." if usage.limit_bytes < 0 else f"Of the quota of the project {left} are left."
        yield Check("quota", False if full else None, text)
        yield from _of_limits(work, question)


def _of_limits(work: Work, question: Question) -> Iterator[Check]:
    """The numbers of repositories and tags: what is there already may be pushed to, however many there are."""
    where = {"path": question.path, "project": question.project_id, "tag": question.tag}
    for what, used, limit in limits.list_limits(work, question.project_id):
        there = work.db.scalar(_LISTED if what == "repositories" else _TAG, where) is not None
        asked = question.path if what == "repositories" else question.tag
        full = used >= limit and bool(asked) and not there
        yield Check(what, False if full else None, f"The project holds {used} of at most {limit} {what}.")


def _of_scopes(question: Question, scopes: frozenset[str]) -> Check:
    if question.action in EVERY_ACTION:
        needs = question.action
        enough = needs in scopes or (needs == PULL and PUSH in scopes)
    else:
        needs = API_READ if question.reads else API_WRITE
        enough = needs in scopes
    text = f"An access token needs the scope {needs}, which {'is' if enough else 'is not'} there."
    return Check("token-scope", None if enough else False, text)


def _of_tag(work: Work, question: Question) -> Check:
    """A tag that is not there yet may be pushed, whatever the rules say."""
    values = {"path": question.path, "project": question.project_id, "tag": question.tag}
    there = work.db.scalar(_TAG, values) is not None
    rule = rules.find_immutable(work, question.project_id, question.path, [question.tag]).get(question.tag)
    if rule is None:
        return Check("immutable-tag", None, "No rule keeps this tag as it is.")
    if not there:
        return Check("immutable-tag", None, f"Rule {rule} will keep this tag as it is, once it is there.")
    return Check("immutable-tag", False, f"Rule {rule} keeps this tag: it may neither move nor be deleted.")
