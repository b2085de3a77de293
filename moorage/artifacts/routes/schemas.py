"""Schemas of repositories, artifacts, tags, labels and accessories."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from moorage.access.request_context import BASE, stamp
from moorage.artifacts import kinds
from moorage.artifacts.addition_names import additions_of
from moorage.artifacts.icons import icon_of
from moorage.artifacts.list_associations import AccessoryRow, Attached, LabelRow, ReferenceRow, TagRow
from moorage.artifacts.lists import ArtifactRow
from moorage.artifacts.service import RepositoryRow


class Repository(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A repository. To change it, `description` is read, and nothing else."""

    id: int | None = None
    project_id: int | None = None
    name: str | None = None
    """With the project before it: `library/app`."""
    description: str | None = None
    artifact_count: int | None = None
    """Artifacts that have a tag or are no child of an index; accessories are not counted."""
    pull_count: int | None = None
    creation_time: str | None = None
    update_time: str | None = None
    last_push_time: str | None = None
    """Ours: when something was last pushed there, some seconds late."""


class Tag(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A tag. Its `id` changes when it moves."""

    id: int
    repository_id: int
    artifact_id: int
    name: str
    push_time: str
    pull_time: str
    """When the artifact was last pulled, under whatever name."""
    immutable: bool
    """Whether a rule forbids to move or delete it; only looked up with `with_immutable_status`."""


class NewTag(msgspec.Struct, kw_only=True):
    """A tag to be made: its `name` is read, and nothing else."""

    name: str = ""


class Label(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A label. `scope`: `g` of the whole system, `p` of a project."""

    id: int | None = None
    name: str | None = None
    description: str | None = None
    color: str | None = None
    scope: str | None = None
    project_id: int | None = None
    creation_time: str | None = None
    update_time: str | None = None


class ListedLabel(Label, omit_defaults=True, kw_only=True):
    """A label, with how much it is used."""

    artifact_count: int | None = None
    """Ours: artifacts that carry it; of labels of the system for administrators only."""


class Accessory(msgspec.Struct, omit_defaults=True, kw_only=True):
    """An artifact that refers to another one, as a signature or an SBOM does."""

    id: int
    artifact_id: int
    subject_artifact_id: int
    subject_artifact_digest: str
    subject_artifact_repo: str
    size: int
    digest: str
    type: str
    icon: str
    creation_time: str
    artifact_type: str = ""
    """What its manifest says it is, as in a list of referrers; `type` knows few of them."""
    has_accessories: bool = False
    """Whether something refers to it in turn, as a signature to an SBOM."""


class Platform(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a child of an index runs on. Two of the names hold quotes in the contract."""

    architecture: str = ""
    os: str = ""
    os_version: str = msgspec.field(name="'os.version'", default="")
    os_features: list[str] = msgspec.field(name="'os.features'", default_factory=list)
    variant: str = ""


class Reference(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A child of an index."""

    parent_id: int
    child_id: int
    child_digest: str
    platform: Platform | None = None
    annotations: dict[str, str] | None = None
    urls: list[str] | None = None
    """Where else the child may be had, as the index says."""


class AdditionLink(msgspec.Struct, kw_only=True):
    """Where more is said of an artifact."""

    href: str
    absolute: bool


class Artifact(msgspec.Struct, omit_defaults=True, kw_only=True):
    """An artifact: a manifest and what is known about it."""

    id: int
    type: str
    media_type: str
    manifest_media_type: str
    artifact_type: str = ""
    project_id: int
    repository_id: int
    repository_name: str
    digest: str
    size: int
    icon: str = ""
    push_time: str
    pull_time: str
    extra_attrs: dict[str, Any] | None = None
    annotations: dict[str, str] | None = None
    references: list[Reference] | None = None
    tags: list[Tag] | None = None
    addition_links: dict[str, AdditionLink] | None = None
    labels: list[Label] | None = None
    accessories: list[Accessory] | None = None
    inherited_accessories: list[Accessory] | None = None


def show_repository(row: RepositoryRow) -> Repository:
    """A repository in the contract's form."""
    return Repository(
        id=row.id,
        project_id=row.project_id,
        name=row.path,
        description=row.description or None,
        artifact_count=row.artifact_count,
        pull_count=row.pull_count,
        creation_time=stamp(row.created_at),
        update_time=stamp(row.updated_at),
        last_push_time=stamp(row.pushed_at or row.created_at),  # it was made by a push
    )


def show_tag(row: TagRow, pull_time: str, *, immutable: bool = False) -> Tag:
    """A tag in the contract's form."""
    return Tag(
        id=row.id,
        repository_id=row.repository_id,
        artifact_id=row.artifact_id,
        name=row.name,
        push_time=stamp(row.pushed_at),
        pull_time=pull_time,
        immutable=immutable,
    )


def show_label(row: LabelRow) -> Label:
    """A label in the contract's form."""
    return Label(
        id=row.id,
        name=row.name,
        description=row.description or None,
        color=row.color or None,
        scope="g" if row.project_id is None else "p",
        project_id=row.project_id,
        creation_time=stamp(row.created_at),
        update_time=stamp(row.updated_at),
    )


def show_accessory(row: AccessoryRow) -> Accessory:
    """An accessory in the contract's form; it has no id beside the artifact's."""
    return Accessory(
        id=row.id,
        artifact_id=row.id,
        subject_artifact_id=row.subject_id,
        subject_artifact_digest=show_digest(row.subject_digest),
        subject_artifact_repo=row.repository,
        size=row.size_bytes,
        digest=show_digest(row.digest),
        type=row.kind,
        icon=icon_of(row.kind),
        creation_time=stamp(row.pushed_at),
        artifact_type=row.artifact_type,
        has_accessories=bool(row.is_subject),
    )


def show_artifact(
    row: ArtifactRow,
    attached: Attached,
    attributes: Mapping[str, Any] | None,
) -> Artifact:
    """An artifact in the contract's form, with what was fetched of what hangs on it.

    Args:
        attributes: what its config says.
    """
    pull_time = stamp(row.pulled_at)
    one = row.id
    tags = [
        show_tag(tag, pull_time, immutable=(row.repository, tag.name) in attached.immutable)
        for tag in attached.tags.get(one, ())
    ]
    digest = show_digest(row.digest)
    return Artifact(
        id=one,
        type=row.kind,
        media_type=kinds.shown_media_type(row.media_type, row.config_media_type, row.annotations),
        manifest_media_type=row.media_type,
        artifact_type=row.artifact_type,
        project_id=row.project_id,
        repository_id=row.repository_id,
        repository_name=row.repository,
        digest=digest,
        size=row.size_bytes,
        icon=icon_of(row.kind),
        push_time=stamp(row.pushed_at),
        pull_time=pull_time,
        extra_attrs=dict(attributes) if attributes else None,
        annotations=row.annotations or None,
        references=[_show_reference(child) for child in attached.references.get(one, ())] or None,
        tags=tags or None,
        addition_links=_links(row, digest, attached.papers.get(one)),
        labels=[show_label(label) for label in attached.labels.get(one, ())] or None,
        accessories=[show_accessory(accessory) for accessory in attached.accessories.get(one, ())] or None,
        inherited_accessories=[show_accessory(accessory) for accessory in attached.inherited.get(one, ())] or None,
    )


def _show_reference(row: ReferenceRow) -> Reference:
    platform = row.platform
    return Reference(
        parent_id=row.parent_id,
        child_id=row.child_id or 0,
        child_digest=show_digest(row.child_digest),
        platform=None
        if platform is None
        else Platform(
            architecture=platform["architecture"],
            os=platform["os"],
            os_version=platform["os.version"],
            os_features=list(platform["os.features"]),
            variant=platform["variant"],
        ),
        annotations=row.annotations or None,
        urls=row.urls or None,
    )


def _links(row: ArtifactRow, digest: str, papers: frozenset[str] | None) -> dict[str, AdditionLink] | None:
    names = additions_of(row.kind, has_config=row.config_digest is not None, papers=papers)
    if not names:
        return None
    base = artifact_path(row.repository, digest)
    return {name: AdditionLink(href=f"{BASE}{base}/additions/{name}", absolute=False) for name in names}


def artifact_path(repository: str, reference: str) -> str:
    """The path of an artifact below the base; a slash in the repository's name is encoded twice, as clients do."""
    project, _, rest = repository.partition("/")
    name = quote(quote(rest, safe=""), safe="")
    return f"/projects/{project}/repositories/{name}/artifacts/{reference}"


def show_digest(digest: bytes) -> str:
    """A digest of a row as text."""
    return f"{'sha256' if digest[0] == 1 else 'sha512'}:{digest[1:].hex()}"


def without_null(value: Any) -> Any:  # noqa: ANN401 - JSON
    """JSON in which what is `null` is absent, at every depth: clients of the contract send either."""
    if isinstance(value, dict):
        return {key: without_null(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [without_null(one) for one in value]
    return value
