"""Explain why an account may or may not do something in a project, rule by rule.

This is the data plane's and the REST API's own answer told apart by rule: roles by `access.policy` and
`access.matrix`, robots by their rows, then what stops even those who have the right. A test holds it against what
both planes answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import and_, bindparam, exists, or_, select

from moorage.access import robot_permissions
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
from moorage.access.role_matrix import EVERY_PROJECT_PERMISSION, ROLE_PERMISSIONS
from moorage.access.tables import RoleBinding
from moorage.artifacts import immutable_rules
from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.oci.names import fold_user_name
from moorage.projects.tables import Project
from moorage.quotas import limits
from moorage.quotas import service as quotas
from moorage.repositories.tables import Repository, Tag
from moorage.users.tables import Group, GroupMember, Principal, Robot, RobotPermission, User

READS = frozenset({"read", "list", "pull"})
ROBOT_PERMISSIONS = frozenset(
    (resource, action) for resource, actions in robot_permissions.PROJECT_PERMISSIONS.items() for action in actions
)
INTO_PROXY = frozenset({PUSH, "artifact:create", "repository:push", "tag:create"})
"""What a project that mirrors another registry refuses to everybody: ProxyPush, ProxyReadOnly."""
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
_MIRRORS = select(exists().where(Project.id == bindparam("project"), Project.registry_id.is_not(None)))
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


SENTENCES = {
    "signed_out": "Nobody is signed in.",
    "user_unknown": "There is no such user.",
    "user_disabled": "The account of {name} is disabled.",
    "user_fine": "The account of {name} is in order.",
    "robot_unknown": "There is no such robot with a right here; one of elsewhere is a stranger.",
    "robot_disabled": "The robot is disabled.",
    "robot_expired": "The robot has expired.",
    "robot_fine": "The robot is in order.",
    "public": "The project is public.",
    "private": "The project is private.",
    "admin": "{name} is a system administrator.",
    "no_admin": "{name} is no system administrator.",
    "role": "{name} is {role} here.",
    "no_role": "{name} has no role of their own here.",
    "group_role": "The group {group} is {role} here.",
    "robot_everywhere": "The robot has {permission} in every project.",
    "robot_here": "The robot has {permission} in this project.",
    "robot_by_push": "The robot has {permission} because it may push.",
    "robot_lacks": "The robot was not given {action} here.",
    "no_right": "Nothing gives the right to {action}.",
    "push_needs_pull": "Pushing takes the right to pull, which the robot lacks.",
    "scope": "An access token needs the scope {scope}, which is there.",
    "no_scope": "An access token needs the scope {scope}, which is not there.",
    "proxy_cache": "The project mirrors another registry: nothing is pushed, tagged or copied into it.",
    "read_only": "The registry is read-only.",
    "not_read_only": "The registry is not read-only.",
    "tag_free": "No rule keeps this tag as it is.",
    "tag_to_be_kept": "Rule {rule} will keep this tag as it is, once it is there.",
    "tag_kept": "Rule {rule} keeps this tag: it may neither move nor be deleted.",
    "no_quota": "The project has no quota.",
    "quota_left": "Of the quota of the project {left} are left.",
    "repositories_held": "The project holds {used} of at most {limit} repositories.",
    "tags_held": "The project holds {used} of at most {limit} tags.",
}
"""What a check says, by its code, with its values put in. Codes stay; whoever speaks another language words them."""


class Check(msgspec.Struct, frozen=True):
    """One rule. `allows`: it gives the right, it takes it away, or (null) it changes nothing here."""

    rule: str
    allows: bool | None
    text: str
    code: str
    """What `text` says, as a word that stays."""
    values: dict[str, str | int]
    """What is put into the sentence; `left` in bytes."""


def _check(rule: str, allows: bool | None, code: str, /, **values: str | int) -> Check:  # noqa: FBT001 - as its fields
    said = {name: quotas.format_size(int(value)) if name == "left" else value for name, value in values.items()}
    return Check(rule, allows, SENTENCES[code].format_map(said), code, values)


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
        checks.append(_check("no-right", False, "no_right", action=question.action))
    elif question.action == PUSH and question.kind == "robot" and not _may_pull(work, question):
        checks.append(_check("push-needs-pull", False, "push_needs_pull"))
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
        yield _check("account", None, "signed_out")
    public = bool(work.db.scalar(_PUBLIC, {"project": question.project_id}))
    # To a robot, being public gives what a registry client needs and what its permissions say, as to everybody.
    gives = public and question.role_allows(Role.PUBLIC)
    yield _check("public-project", gives or None, "public" if public else "private")


def _of_person(work: Work, question: Question) -> Iterator[Check]:
    row = work.db.execute(_PERSON, {"folded": fold_user_name(question.name)}).first()
    if row is None:
        yield _check("account", False, "user_unknown")
        return
    who, name, disabled, admin, admin_by_source = row
    if disabled:
        yield _check("account", False, "user_disabled", name=name)
        return
    yield _check("account", None, "user_fine", name=name)
    is_admin = bool(admin or admin_by_source)
    yield _check("system-admin", is_admin or None, "admin" if is_admin else "no_admin", name=name)
    values = {"project": question.project_id, "who": who}
    own = [Role(role) for role in work.db.scalars(_OWN, values)]
    for role in own:
        yield _check("role", question.role_allows(role) or None, "role", name=name, role=_NAMES[role])
    if not own:
        yield _check("role", None, "no_role", name=name)
    for number, group in work.db.execute(_OF_GROUPS, values):
        role = Role(number)
        yield _check("group-role", question.role_allows(role) or None, "group_role", group=group, role=_NAMES[role])


def _of_robot(work: Work, question: Question) -> Iterator[Check]:
    row = work.db.execute(_ROBOT, {"name": question.name}).first()
    given = [] if row is None else work.db.execute(_GIVEN, {"project": question.project_id, "who": row[0]}).all()
    if row is None or (row[2] != question.project_id and not given):
        # Whether there is one elsewhere is told to nobody: it may do here what anybody may.
        yield _check("account", None, "robot_unknown")
        return
    if row[1] or row[3]:
        yield _check("account", False, "robot_disabled" if row[1] else "robot_expired")
        return
    yield _check("account", None, "robot_fine")
    held = {(one[0], one[1]): one[2] for one in given}
    if row[2] is not None and ("repository", "push") in held:  # a project's robot that may push may pull
        held.setdefault(("repository", "pull"), "push")
    resource, _, action = question.action.partition(":")
    wanted = _ROBOT_ACTIONS.get(question.action, {(resource, action)})
    found = sorted(wanted & held.keys())
    if not found:
        yield _check("robot-permission", None, "robot_lacks", action=question.action)
    for one in found:
        code = {"all": "robot_everywhere", "push": "robot_by_push"}.get(held[one], "robot_here")
        yield _check("robot-permission", True, code, permission=":".join(one))


def _obstacles(work: Work, question: Question) -> Iterator[Check]:
    if question.scopes is not None:
        yield _of_scopes(question, question.scopes)
    if question.action in INTO_PROXY and work.db.scalar(_MIRRORS, {"project": question.project_id}):
        yield _check("proxy-cache", False, "proxy_cache")
    if not question.reads:
        blocked = question.read_only
        yield _check("read-only", False if blocked else None, "read_only" if blocked else "not_read_only")
    if question.path and question.tag and question.action in {PUSH, DELETE, "tag:delete", "artifact:delete"}:
        yield _of_tag(work, question)
    if question.action == PUSH:
        usage = quotas.get_usage(work, question.project_id)
        full = usage.limit_bytes >= 0 and usage.used_bytes >= usage.limit_bytes
        if usage.limit_bytes < 0:
            yield _check("quota", None, "no_quota")
        else:
            left = max(0, usage.limit_bytes - usage.used_bytes)
            yield _check("quota", False if full else None, "quota_left", left=left)
        yield from _of_limits(work, question)


def _of_limits(work: Work, question: Question) -> Iterator[Check]:
    """The numbers of repositories and tags: what is there already may be pushed to, however many there are."""
    where = {"path": question.path, "project": question.project_id, "tag": question.tag}
    for what, used, limit in limits.list_limits(work, question.project_id):
        there = work.db.scalar(_LISTED if what == "repositories" else _TAG, where) is not None
        asked = question.path if what == "repositories" else question.tag
        full = used >= limit and bool(asked) and not there
        yield _check(what, False if full else None, f"{what}_held", used=used, limit=limit)


def _of_scopes(question: Question, scopes: frozenset[str]) -> Check:
    if question.action in EVERY_ACTION:
        needs = question.action
        enough = needs in scopes or (needs == PULL and PUSH in scopes)
    else:
        needs = API_READ if question.reads else API_WRITE
        enough = needs in scopes
    return _check("token-scope", None if enough else False, "scope" if enough else "no_scope", scope=needs)


def _of_tag(work: Work, question: Question) -> Check:
    """A tag that is not there yet may be pushed, whatever the rules say."""
    values = {"path": question.path, "project": question.project_id, "tag": question.tag}
    there = work.db.scalar(_TAG, values) is not None
    rule = immutable_rules.find_immutable(work, question.project_id, question.path, [question.tag]).get(question.tag)
    if rule is None:
        return _check("immutable-tag", None, "tag_free")
    if not there:
        return _check("immutable-tag", None, "tag_to_be_kept", rule=rule)
    return _check("immutable-tag", False, "tag_kept", rule=rule)
