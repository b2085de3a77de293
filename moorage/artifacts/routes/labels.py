"""Labels of the system and of projects, and labels on artifacts."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import Needs, inside, project
from moorage.artifacts import labels
from moorage.artifacts.list_associations import LabelRow
from moorage.artifacts.routes.artifacts import ONE
from moorage.artifacts.routes.repositories import path_of
from moorage.artifacts.routes.schemas import Label, ListedLabel, show_label
from moorage.errors import (
    ArtifactLabelExists,
    LabelExists,
    LabelInvalid,
    LabelUnknown,
    ManifestUnknown,
    RepositoryUnknown,
)


def _in_its_scope(action: str) -> Needs:
    of_all = "nothing" if action == "list" else f"label:{action} in the system"
    return inside(f"scope g: {of_all}; scope p: label:{action} in the project")


async def _get(call: Call, label_id: int, action: str) -> LabelRow:
    """A label, for which the caller may do it. One that is missing and one that is not theirs answer alike.

    Raises:
        Unauthenticated, Denied: they may not.
        LabelUnknown: there is none; said to those who may do it in the system.
    """
    call.signed_in()
    label = await call.look(labels.find_label, label_id)
    if label is not None and label.project_id is not None:
        standing = await call.find_project(project_id=label.project_id)
        if standing is not None and standing.may("label", action):
            return label
        if standing is None:
            label = None  # of a project in the trash
    if not await call.may_in_system(f"label:{action}") or (label is not None and label.project_id is not None):
        raise call.denied(f"label:{action}", f"label {label_id}", None)
    if label is None:
        raise LabelUnknown(id=label_id)
    return label


@operation(
    "GET", "/labels", id="ListLabels", tag="label", needs=_in_its_scope("list"), problems=(LabelInvalid,), paged=True
)
async def list_labels(
    call: NamedDependency[Call],
    within: Annotated[str, QueryParameter(name="scope")] = "",
    project_id: FromQuery[int] = 0,
    name: FromQuery[str] = "",
) -> Response[list[ListedLabel]]:
    """The labels of the whole system (`scope=g`), or of a project (`scope=p` with `project_id`), by name."""
    listing = call.listing()
    if within not in {"g", "p"} or (within == "p" and project_id <= 0):
        raise LabelInvalid("scope is 'g', or 'p' with a project_id.", parameter="scope")
    if within == "p":
        await call.require_in_project("label:list", project_id=project_id)
    rows, total, ignored = await call.look(
        labels.list_labels, listing, project_id=project_id if within == "p" else None, name=name
    )
    uses = await call.look(labels.count_uses, [row.id for row in rows]) if within == "p" or call.admin else None
    return call.page([_listed(row, uses) for row in rows], listing, total, ignored)


def _listed(row: LabelRow, uses: Mapping[int, int] | None) -> ListedLabel:
    count = None if uses is None else uses.get(row.id, 0)
    return ListedLabel(**msgspec.structs.asdict(show_label(row)), artifact_count=count)


@operation(
    "POST",
    "/labels",
    id="CreateLabel",
    tag="label",
    needs=_in_its_scope("create"),
    problems=(LabelInvalid, LabelExists),
    status=201,
)
async def create_label(call: NamedDependency[Call], data: JSONBody[Label]) -> Response[None]:
    """Make a label of the whole system (`scope` g) or of a project (`scope` p)."""
    call.signed_in()
    project_id = data.project_id or 0
    if data.scope not in {"g", "p"} or (data.scope == "p" and project_id <= 0):
        raise LabelInvalid
    if data.scope == "p":
        await call.require_in_project("label:create", project_id=project_id)
    else:
        await call.require_in_system("label:create")
    made = await call.run(
        labels.create_label,
        data.name or "",
        project_id=project_id if data.scope == "p" else None,
        description=data.description or "",
        color=data.color or "",
    )
    return call.created(f"/labels/{made}")


@operation(
    "GET",
    "/labels/{label_id:int}",
    id="GetLabelByID",
    tag="label",
    needs=_in_its_scope("read"),
    problems=(LabelUnknown,),
)
async def get_label(call: NamedDependency[Call], label_id: FromPath[int]) -> Response[Label]:
    """One label."""
    return Response(show_label(await _get(call, label_id, "read")))


@operation(
    "PUT",
    "/labels/{label_id:int}",
    id="UpdateLabel",
    tag="label",
    needs=_in_its_scope("update"),
    problems=(LabelUnknown, LabelInvalid, LabelExists),
)
async def update_label(call: NamedDependency[Call], data: JSONBody[Label], label_id: FromPath[int]) -> Response[None]:
    """Change the name, the description or the color of a label. What else the body holds is ignored."""
    await _get(call, label_id, "update")
    await call.run(labels.update_label, label_id, name=data.name, description=data.description, color=data.color)
    return Response(None)


@operation(
    "DELETE",
    "/labels/{label_id:int}",
    id="DeleteLabel",
    tag="label",
    needs=_in_its_scope("delete"),
    problems=(LabelUnknown,),
)
async def delete_label(call: NamedDependency[Call], label_id: FromPath[int]) -> Response[None]:
    """Delete a label; it comes off all artifacts."""
    await _get(call, label_id, "delete")
    await call.run(labels.delete_label, label_id)
    return Response(None)


@operation(
    "POST",
    f"{ONE}/labels",
    id="addLabel",
    tag="artifact",
    needs=project("artifact-label:create"),
    problems=(RepositoryUnknown, ManifestUnknown, LabelUnknown, ArtifactLabelExists),
)
async def add_label(
    call: NamedDependency[Call], data: JSONBody[Label], repository_name: FromPath[str], reference: FromPath[str]
) -> Response[None]:
    """Put a label on an artifact: its `id` is read, and nothing else. It is the system's or the project's own."""
    label_id = data.id if data.id is not None and 0 < data.id < 2**63 else 0
    path = path_of(call, repository_name)
    await call.run(labels.put_label_on, call.project.project_id, path, reference, label_id)
    return Response(None)


@operation(
    "DELETE",
    f"{ONE}/labels/{{label_id:int}}",
    id="removeLabel",
    tag="artifact",
    needs=project("artifact-label:delete"),
    problems=(RepositoryUnknown, ManifestUnknown, LabelUnknown),
)
async def remove_label(
    call: NamedDependency[Call], repository_name: FromPath[str], reference: FromPath[str], label_id: FromPath[int]
) -> Response[None]:
    """Take a label off an artifact."""
    path = path_of(call, repository_name)
    await call.run(labels.take_label_off, call.project.project_id, path, reference, label_id)
    return Response(None)


ROUTES = (list_labels, create_label, get_label, update_label, delete_label, add_label, remove_label)
