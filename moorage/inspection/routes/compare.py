"""Routes to compare two artifacts. Ours, not in the contract."""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import project
from moorage.artifacts.describe import Contents
from moorage.artifacts.routes.repositories import ONE, path_of
from moorage.artifacts.routes.schemas import show_digest
from moorage.errors import ManifestUnknown, PlatformUnknown, RepositoryUnknown
from moorage.inspection import compare
from moorage.inspection import contents as inspection_contents
from moorage.inspection.compare import LayerPair
from moorage.inspection.contents import Config, Parts
from moorage.oci.digest import Digest
from moorage.oci.platforms import Platform

_LEFT_OUT = {
    "packages": "no SBOM is read yet",
    "vulnerabilities": "nothing is scanned yet",
    "files": "layers are not unpacked",
}


class ComparedSide(msgspec.Struct, kw_only=True):
    """One of the two."""

    digest: str
    type: str
    media_type: str
    size: int
    push_time: str
    platforms: list[str]
    """What it runs on, in one order."""
    compared_digest: str
    """Of the manifest that was compared: a child where `digest` is an index, else the same."""
    compared_platform: str
    """What that runs on; empty: not known."""
    compared_size: int
    config_unread: str
    """Why its config was not compared: `absent`, `too_large`, `damaged`, `unavailable`, `not_json`. Empty: it was."""


class ComparedLayer(msgspec.Struct, kw_only=True):
    """A layer of one side or of both."""

    state: str
    """`same`, `added` or `removed`."""
    digest: str
    media_type: str
    size: int
    from_position: int | None
    """From 1; null: it is not there."""
    to_position: int | None
    created_by: str | None
    """The command that made it; null: the history does not say."""


class LayerSum(msgspec.Struct, kw_only=True):
    """How many layers, and their bytes."""

    count: int
    size: int


class ConfigDifference(msgspec.Struct, kw_only=True):
    """What the configs say differently."""

    part: str
    """`user`, `working_dir`, `entrypoint`, `cmd`, `env`, `port`, `volume`, `label`, `stop_signal`, `healthcheck`,
    `shell`, `on_build`, `architecture`, `os`, `variant`, `os.version`, `author`, `created`; `config` of what is no
    image."""
    name: str
    """Of the variable, port, volume, label, or key; empty where there is one only."""
    change: str
    """`added`, `removed` or `changed`."""
    before: Any = None
    """As JSON; null: it is not there."""
    after: Any = None


class LeftOut(msgspec.Struct, kw_only=True):
    """What was not compared."""

    what: str
    why: str


class Comparison(msgspec.Struct, kw_only=True):
    """What differs between two artifacts."""

    from_: ComparedSide = msgspec.field(name="from")
    to: ComparedSide
    equal: bool
    """Whether both are one manifest."""
    common_platforms: list[str]
    size_difference: int
    """Of the manifests that were compared; negative: the second is smaller."""
    layers: list[ComparedLayer]
    """In the order of the second; what only the first has stands where it was."""
    same: LayerSum
    added: LayerSum
    removed: LayerSum
    config: list[ConfigDifference]
    """Empty also where a config could not be read."""
    left_out: list[LeftOut]


@operation(
    "GET", f"{ONE}/compare", id="compareArtifacts", tag="artifact", needs=project("artifact-addition:read"), ours=True,
    problems=(RepositoryUnknown, ManifestUnknown, PlatformUnknown),
)  # fmt: skip
async def compare_artifacts(
    call: NamedDependency[Call],
    contents: NamedDependency[Contents],
    repository_name: FromPath[str],
    before: Annotated[str, QueryParameter(name="from")],
    after: Annotated[str, QueryParameter(name="to")],
    platform: FromQuery[str] = "",
) -> Response[Comparison]:
    """What differs between two artifacts of a repository, each named by a tag or a digest: layers and configs.

    Of an index the child for `platform`, as in `linux/amd64`, is compared; without it the first platform that both
    have, or of each the first. `left_out` says what is not compared, and why.
    """
    project_id, path = call.project.project_id, path_of(call, repository_name)
    sides = [
        await call.look(inspection_contents.find_parts, project_id, path, reference) for reference in (before, after)
    ]
    configs = [await inspection_contents.read_config(contents, side) for side in sides]
    owns = [inspection_contents.platform_of(side, config) for side, config in zip(sides, configs, strict=True)]
    names = [compare.names_of(side, own) for side, own in zip(sides, owns, strict=True)]
    wanted = compare.choose_platform(names[0], names[1], platform)
    shown, meant = [], []
    for side, config, own, runs_on in zip(sides, configs, owns, names, strict=True):
        child = compare.find_child(side, wanted)
        compared = (
            side if child is None else await call.look(inspection_contents.find_parts, project_id, path, str(child))
        )
        read = config if child is None else await inspection_contents.read_config(contents, compared)
        own = own if child is None else inspection_contents.platform_of(compared, read)  # noqa: PLW2901 - the child's
        meant.append((compared, read))
        shown.append(_show_side(side, runs_on, compared, own, read))
    return Response(_show(shown, meant, [name for name in names[0] if name in names[1]]))


def _show(sides: list[ComparedSide], compared: list[tuple[Parts, Config]], common: list[str]) -> Comparison:
    (old, old_config), (new, new_config) = compared
    pairs = compare.compare_layers(
        old.parsed.layers,
        new.parsed.layers,
        inspection_contents.steps_of(old, old_config),
        inspection_contents.steps_of(new, new_config),
    )
    layers = [_show_layer(pair) for pair in pairs]
    kind = old.row.kind if old.row.kind == new.row.kind else ""
    changes = (
        compare.compare_configs(kind, old_config.content, new_config.content)
        if old_config.content is not None and new_config.content is not None
        else []
    )
    return Comparison(
        from_=sides[0],
        to=sides[1],
        equal=old.row.digest == new.row.digest,
        common_platforms=common,
        size_difference=sides[1].compared_size - sides[0].compared_size,
        layers=layers,
        same=_sum(layers, "same"),
        added=_sum(layers, "added"),
        removed=_sum(layers, "removed"),
        config=[
            ConfigDifference(part=one.part, name=one.name, change=one.change, before=one.before, after=one.after)
            for one in changes
        ],
        left_out=[LeftOut(what=what, why=why) for what, why in _LEFT_OUT.items()],
    )


def _show_side(
    side: Parts, names: list[str], compared: Parts, platform: Platform | None, config: Config
) -> ComparedSide:
    return ComparedSide(
        digest=show_digest(side.row.digest),
        type=side.row.kind,
        media_type=side.row.media_type,
        size=side.row.size_bytes,
        push_time=stamp(side.row.pushed_at),
        platforms=names,
        compared_digest=str(Digest.from_binary(compared.row.digest)),
        compared_platform=platform.name if platform else "",
        compared_size=compared.row.size_bytes,
        config_unread=config.unread,
    )


def _show_layer(pair: LayerPair) -> ComparedLayer:
    state = "added" if pair.from_position is None else "removed" if pair.to_position is None else "same"
    return ComparedLayer(
        state=state, digest=str(pair.layer.digest), media_type=pair.layer.media_type, size=pair.layer.size_bytes,
        from_position=pair.from_position, to_position=pair.to_position,
        created_by=pair.step.created_by if pair.step else None,
    )  # fmt: skip


def _sum(layers: list[ComparedLayer], state: str) -> LayerSum:
    sizes = [layer.size for layer in layers if layer.state == state]
    return LayerSum(count=len(sizes), size=sum(sizes))


ROUTES = (compare_artifacts,)
