"""Routes to the additions of an artifact."""

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import project
from moorage.artifacts.describe import Contents
from moorage.artifacts.routes.artifacts import ONE
from moorage.artifacts.routes.repositories import path_of
from moorage.errors import (
    AdditionInvalid,
    AdditionsBusy,
    AdditionUnknown,
    AdditionUnsupported,
    ArchiveInvalid,
    ArchiveLimit,
    BlobDamaged,
    BlobUnknown,
    ManifestUnknown,
    RepositoryUnknown,
)
from moorage.inspection.additions import find_addition, read_addition


@operation(
    "GET",
    f"{ONE}/additions/{{addition:str}}",
    id="getAddition",
    tag="artifact",
    needs=project("artifact-addition:read"),
    problems=(
        AdditionUnsupported,
        RepositoryUnknown,
        ManifestUnknown,
        BlobUnknown,
        AdditionUnknown,
        AdditionInvalid,
        ArchiveInvalid,
        ArchiveLimit,
        AdditionsBusy,
        BlobDamaged,
    ),
    answers=("application/json", "text/markdown", "text/plain"),
)
async def get_addition(
    call: NamedDependency[Call],
    contents: NamedDependency[Contents],
    repository_name: FromPath[str],
    reference: FromPath[str],
    addition: FromPath[str],
) -> Response[bytes]:
    """More of an artifact, as it was pushed: see its `addition_links`.

    Of an image `build_history`, a JSON array. Of a chart `readme.md` and `values.yaml` (empty where it has none) and
    `dependencies`, a JSON array. Of a model `readme.md`, `license` and `files`, a JSON array.
    """
    found = await call.look(find_addition, call.project.project_id, path_of(call, repository_name), reference, addition)
    read = await read_addition(contents, found, addition)
    return Response(read.content, media_type=read.media_type, headers={"content-security-policy": "sandbox"})


ROUTES = (get_addition,)
