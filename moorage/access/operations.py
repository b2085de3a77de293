"""How a route of the REST API is declared: path and operation id of the contract, what it needs, what it may answer.

    @operation(
        "GET", "/projects/{project_name:str}/logs", id="getLogs", tag="project", needs=project("log:list"), paged=True
    )
    async def list_logs(call: NamedDependency[Call]) -> Response[list[AuditLog]]: ...

What stands here is all that the guard, the OpenAPI document, the page of coverage and the permission table read.
"""

from collections.abc import Sequence

from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from moorage.access.required_permission import Needs
from moorage.errors import Problem


def operation(
    method: str,
    path: str,
    *,
    id: str,  # noqa: A002 - the contract's word, and a keyword
    tag: str,
    needs: Needs,
    problems: Sequence[type[Problem]] = (),
    status: int = 200,
    paged: bool = False,
    ours: bool = False,
    reads: bool = False,
    answers: Sequence[str] = ("application/json",),
    headers: Sequence[str] = (),
) -> HTTPRouteHandler:
    """Declare an operation: a decorator for its handler.

    Args:
        method: `GET`, …
        path: below `/api/v2.0`, in the form of Litestar: `/projects/{project_name_or_id:str}`.
        id: the contract's operation id; of an addition of ours a name in the same style.
        tag: the contract's word for the group it belongs to.
        needs: what its caller must be or may do.
        problems: what it answers beside what every operation may (401, 403, 413, 422, 429, 503).
        status: of success.
        paged: it takes `q`, `sort`, `page` and `page_size`, and answers `X-Total-Count` and `Link`.
        ours: it is not in the contract; the document marks it `x-moorage`.
        reads: it changes nothing, though its method is none of a read: what it asks for takes a body. A token that may
            read may call it, and read-only mode does not stop it.
        answers: media types of the answer's body.
        headers: names of headers that it answers beside those.
    """
    return HTTPRouteHandler(
        path,
        http_method=HttpMethod(method),
        status_code=status,
        operation_id=id,
        tags=[tag],
        opt={
            "needs": needs,
            "problems": tuple(problems),
            "paged": paged,
            "ours": ours,
            "reads": reads,
            "answers": tuple(answers),
            "headers": tuple(headers),
        },
    )
