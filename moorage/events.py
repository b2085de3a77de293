"""Facts that features may react to, named in the past tense, and the actor that caused them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, from where, with which credential, under which request id.

    Attributes:
        principal_id: null for anonymous and for the system itself.
        name: as shown (`robot$ci`), `""` for anonymous.
        credential: `password`, `oidc`, `header`, `token`, `access_token`, `refresh_token`, `session`, `cli`,
            `system`, or `""`.
        address: the client's address.
        token: the name of the access token, where `credential` is one.
    """

    principal_id: int | None = None
    name: str = ""
    credential: str = ""
    address: str = ""
    request_id: str = ""
    token: str = ""


SYSTEM = Actor(name="system", credential="system")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, told inside the transaction that makes it so."""


@dataclass(frozen=True, slots=True)
class ProjectCreated(Event):
    """A project was created. `registry_id`: of a proxy cache, the registry that it mirrors."""

    project_id: int
    name: str
    registry_id: int | None = None


@dataclass(frozen=True, slots=True)
class ProjectDeleted(Event):
    """A project was deleted (it may wait in the trash)."""

    project_id: int
    name: str


@dataclass(frozen=True, slots=True)
class ProjectChanged(Event):
    """A setting of a project was changed."""

    project_id: int
    name: str
    changes: dict[str, object]


@dataclass(frozen=True, slots=True)
class AllowlistChanged(Event):
    """The list of vulnerabilities that no policy minds was replaced; `project_id` null: the system's."""

    project_id: int | None
    name: str
    entries: int


@dataclass(frozen=True, slots=True)
class SealKeyChanged(Event):
    """Secrets are sealed with the key `key_id` from now on, or the older keys of `retired` are needed no more."""

    key_id: str
    retired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuotaChanged(Event):
    """A project may hold more or less than before.

    `limits` has what was set: `storage` (bytes), `repositories`, `tags`; -1: no limit.
    """

    project_id: int
    name: str
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MemberSet(Event):
    """Somebody was given a role in a project (`role` 0: it was taken away). `new`: they had none before."""

    project_id: int
    member: str
    role: int
    new: bool = False


@dataclass(frozen=True, slots=True)
class UserCreated(Event):
    """An account was created."""

    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class UserChanged(Event):
    """An account was changed.

    Attributes:
        change: password, admin, no_admin, disabled, enabled, deleted, profile, name, groups, source, cli_secret,
            gone, preferences.
    """

    user_id: int
    name: str
    change: str


@dataclass(frozen=True, slots=True)
class UserSignedIn(Event):
    """Somebody opened a session."""

    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class UserSignedOut(Event):
    """Somebody ended their session."""

    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class AccessTokenChanged(Event):
    """A person's access token was made or revoked. `change`: `created`, `revoked`; `detail` has no secret."""

    user_id: int
    user_name: str
    name: str
    change: str
    detail: dict[str, object]


@dataclass(frozen=True, slots=True)
class GroupCreated(Event):
    """A group became known."""

    group_id: int
    name: str


@dataclass(frozen=True, slots=True)
class GroupChanged(Event):
    """A group was changed. `change`: name, deleted."""

    group_id: int
    name: str
    change: str


@dataclass(frozen=True, slots=True)
class RobotCreated(Event):
    """A robot was created. `name`: as stored, without the prefix."""

    robot_id: int
    project_id: int | None
    name: str


@dataclass(frozen=True, slots=True)
class RobotChanged(Event):
    """A robot was changed. `change`: secret, disabled, enabled, permissions, deleted."""

    robot_id: int
    project_id: int | None
    name: str
    change: str


@dataclass(frozen=True, slots=True)
class ManifestPushed(Event):
    """A manifest was pushed. `tags`: those that it now carries because of this push."""

    project_id: int
    repository_id: int
    repository: str
    artifact_id: int
    digest: str
    tags: tuple[str, ...]
    new: bool


@dataclass(frozen=True, slots=True)
class ImmutableRuleChanged(Event):
    """An immutable tag rule was changed. `change`: created, updated, disabled, deleted."""

    project_id: int
    rule_id: int
    change: str


@dataclass(frozen=True, slots=True)
class RetentionChanged(Event):
    """A retention policy was changed. `change`: created, updated, deleted."""

    project_id: int
    policy_id: int
    change: str


@dataclass(frozen=True, slots=True)
class ReplicationChanged(Event):
    """A replication policy was changed. `change`: created, updated, deleted."""

    policy_id: int
    name: str
    change: str


@dataclass(frozen=True, slots=True)
class WebhookChanged(Event):
    """A webhook policy was changed. `change`: created, updated, deleted, signing_key."""

    project_id: int
    name: str
    change: str


@dataclass(frozen=True, slots=True)
class TagCreated(Event):
    """A tag was put on an artifact that was there already, without a push."""

    project_id: int
    repository_id: int
    repository: str
    artifact_id: int
    digest: str
    tag: str


@dataclass(frozen=True, slots=True)
class RepositoryChanged(Event):
    """What a repository says of itself was changed."""

    project_id: int
    repository: str
    changes: dict[str, object]


@dataclass(frozen=True, slots=True)
class RepositoryDeleted(Event):
    """A repository was deleted, with the artifacts that its list showed."""

    project_id: int
    repository_id: int
    repository: str
    artifacts: int


@dataclass(frozen=True, slots=True)
class LabelChanged(Event):
    """A label was made, changed or deleted. `change`: create, update, delete; `project_id` None: of the system."""

    label_id: int
    project_id: int | None
    name: str
    change: str


@dataclass(frozen=True, slots=True)
class MirrorChanged(Event):
    """A mirror of a project was made or deleted. `change`: create, delete; `kind`: host, port, ns."""

    project_id: int
    project: str
    kind: str
    name: str
    change: str


@dataclass(frozen=True, slots=True)
class RegistryChanged(Event):
    """An endpoint of another registry was made, changed or deleted. `change`: create, update, delete.

    `fields`: names of what was changed; never a value, which may be a secret.
    """

    registry_id: int
    name: str
    url: str
    change: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArtifactLabelled(Event):
    """A label was put on an artifact, or (`on` false) taken off it."""

    project_id: int
    repository: str
    digest: str
    label: str
    on: bool


@dataclass(frozen=True, slots=True)
class TagDeleted(Event):
    """A tag was deleted; the artifact that it named is still there."""

    project_id: int
    repository: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class ArtifactDeleted(Event):
    """An artifact was deleted, with its tags."""

    project_id: int
    repository: str
    digest: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrashRestored(Event):
    """An act of deleting was undone. `kind`: tag, artifact, repository, project; `renamed`: new names by the old ones.

    The new name of a tag that stayed away is "".
    """

    project_id: int
    kind: str
    label: str
    trash_id: int
    renamed: dict[str, str]


@dataclass(frozen=True, slots=True)
class TrashPurged(Event):
    """An act of deleting cannot be undone any more, and goes. `kind`: tag, artifact, repository, project."""

    project_id: int
    kind: str
    label: str
    trash_id: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """Pulls of one artifact by one actor under one name. `tag`: "" for pulls by digest; `at`: the last of `count`."""

    project_id: int
    repository: str
    artifact_id: int
    digest: str
    tag: str
    actor: Actor
    count: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ArtifactsPulled(Event):
    """Artifacts were pulled since the last such event; told by the batch that notes it, some seconds later."""

    pulls: tuple[Pulled, ...]


@dataclass(frozen=True, slots=True)
class BlobDeleted(Event):
    """A blob was taken out of a repository by a client."""

    project_id: int
    repository: str
    digest: str


@dataclass(frozen=True, slots=True)
class ConfigurationChanged(Event):
    """Live settings were changed. `changes`: new values of what is no secret; `secrets`: names of the others."""

    changes: dict[str, object]
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecutionEnded(Event):
    """All tasks of an execution have ended.

    Attributes:
        trigger: MANUAL, SCHEDULE or EVENT.
        status: Success, Error or Stopped.
    """

    execution_id: int
    vendor_type: str
    vendor_id: int
    trigger: str
    status: str


@dataclass(frozen=True, slots=True)
class TaskEnded(Event):
    """The last attempt of a task has ended. What was stopped before it ran is not told. `status`: as an execution's."""

    task_id: int
    vendor_type: str
    status: str


@dataclass(frozen=True, slots=True)
class CopyRefused(Event):
    """A job could not copy to a repository, which need not exist: its project has no room. `why`: a sentence."""

    project_id: int
    repository: str
    reference: str
    why: str


@dataclass(frozen=True, slots=True)
class ExecutionStarted(Event):
    """Somebody started an execution by hand. `project_id` null: it is the system's."""

    execution_id: int
    vendor_type: str
    vendor_id: int
    project_id: int | None = None


@dataclass(frozen=True, slots=True)
class ExecutionStopped(Event):
    """Somebody stopped an execution, or one task of it."""

    execution_id: int
    vendor_type: str
    vendor_id: int
    project_id: int | None = None


@dataclass(frozen=True, slots=True)
class ScheduleChanged(Event):
    """A schedule that is no policy's was set, or removed: `cron` is empty then."""

    vendor_type: str
    cron: str
    arguments: dict[str, object]


@dataclass(frozen=True, slots=True)
class QueueChanged(Event):
    """A queue of background work was paused, resumed, or what waited in it was stopped (`action`)."""

    vendor_type: str
    action: str


@dataclass(frozen=True, slots=True)
class AuditPurged(Event):
    """Old rows of the audit log were deleted."""

    rows: int
    older_hours: int
    event_types: tuple[str, ...]
