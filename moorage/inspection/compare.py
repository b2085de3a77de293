"""Compare two artifacts of a repository: their layers and their configs.

Pure functions over what `parts` read. Packages and findings are not compared: nothing is scanned yet.

Source: OCI image-spec v1.1 config.md.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from moorage.artifacts import kinds
from moorage.errors import PlatformUnknown
from moorage.inspection.contents import Parts, Step, platforms_of
from moorage.oci.digest import Digest
from moorage.oci.manifest import Descriptor
from moorage.oci.platforms import Platform

Change = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class LayerPair:
    """A layer of one side or of both. Positions count from 1; None: that side has it not."""

    layer: Descriptor
    step: Step | None
    from_position: int | None
    to_position: int | None


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A difference of the configs.

    Attributes:
        part: `env`, `label`, `port`, `volume`, `user`, `cmd`, …; `config` where it is no image's.
        name: of the variable, label, …; "" where there is one only.
        before: as JSON; None: it is not there.
    """

    part: str
    name: str
    change: Change
    before: Any
    after: Any


# -- platforms --------------------------------------------------------------------------------------------


def names_of(side: Parts, own: Platform | None) -> list[str]:
    """What an artifact runs on: an index by its children, an image by its config (`own`)."""
    if side.parsed.config is None:
        return list(dict.fromkeys(platform.name for platform, _ in platforms_of(side)))
    return [own.name] if own is not None else []


def choose_platform(before: Sequence[str], after: Sequence[str], asked: str) -> str:
    """The platform to compare: the one that is asked for, else the first that both have; "": they have none in common.

    Args:
        before, after: as `names_of`.
    """
    return asked or next((name for name in before if name in after), "")


def find_child(side: Parts, platform: str) -> Digest | None:
    """What to compare in the place of an index: its child for a platform (`""`: its first). None: the artifact itself.

    Raises:
        PlatformUnknown: the index has others only.
    """
    pairs = platforms_of(side)
    if not pairs:
        return None
    child = next((child for found, child in pairs if platform in {"", found.name}), None)
    if child is None:
        raise PlatformUnknown(platform=platform[:200], platforms=[found.name for found, _ in pairs])
    return Digest.from_binary(child.digest)


# -- layers -----------------------------------------------------------------------------------------------


def compare_layers(
    before: Sequence[Descriptor], after: Sequence[Descriptor], old: Sequence[Step | None], new: Sequence[Step | None]
) -> list[LayerPair]:
    """The layers of both sides in one order: what both have where the second has it, what went before what came.

    A layer is the same when its digest is. Linear in the number of layers.
    """
    shared = Counter(layer.digest for layer in before) & Counter(layer.digest for layer in after)
    places: dict[Digest, deque[int]] = {}
    gone: deque[int] = deque()
    for position, layer in enumerate(before):
        if shared[layer.digest] > 0:
            shared[layer.digest] -= 1
            places.setdefault(layer.digest, deque()).append(position)
        else:
            gone.append(position)
    pairs: list[LayerPair] = []
    for position, layer in enumerate(after):
        known = places.get(layer.digest)
        if known:
            at = known.popleft()
            while gone and gone[0] < at:
                pairs.append(_gone(before, old, gone.popleft()))
            pairs.append(LayerPair(layer, new[position], at + 1, position + 1))
        else:
            if gone and gone[0] <= position:
                pairs.append(_gone(before, old, gone.popleft()))
            pairs.append(LayerPair(layer, new[position], None, position + 1))
    return pairs + [_gone(before, old, position) for position in gone]


def _gone(before: Sequence[Descriptor], old: Sequence[Step | None], position: int) -> LayerPair:
    return LayerPair(before[position], old[position], position + 1, None)


# -- configs ----------------------------------------------------------------------------------------------

_SINGLE = {
    "User": "user", "WorkingDir": "working_dir", "Entrypoint": "entrypoint", "Cmd": "cmd", "StopSignal": "stop_signal",
    "Healthcheck": "healthcheck", "Shell": "shell", "OnBuild": "on_build",
}  # fmt: skip
_SETS = {"ExposedPorts": "port", "Volumes": "volume"}
_TOP = ("architecture", "os", "variant", "os.version", "author", "created")


def compare_configs(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ConfigChange]:
    """What two configs say differently. Of images what runs and how; of all else the keys of the config.

    The history is not compared, the layers speak of it; nor are the checksums of their unpacked content.
    """
    if kind != kinds.IMAGE:
        return list(_differ("config", before, after))
    old, new = _object(before.get("config")), _object(after.get("config"))
    found: list[ConfigChange] = []
    for key, part in _SINGLE.items():
        found += _differ(part, _single(old.get(key)), _single(new.get(key)))
    found += _differ("env", _variables(old.get("Env")), _variables(new.get("Env")))
    for key, part in _SETS.items():
        found += _differ(part, dict.fromkeys(_object(old.get(key)), ""), dict.fromkeys(_object(new.get(key)), ""))
    found += _differ("label", _object(old.get("Labels")), _object(new.get("Labels")))
    for key in _TOP:
        found += _differ(key, _single(before.get(key)), _single(after.get(key)))
    return found


def _differ(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ConfigChange]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield ConfigChange(part, name, "removed", old[name], None)
        elif name not in old:
            yield ConfigChange(part, name, "added", None, new[name])
        elif old[name] != new[name]:
            yield ConfigChange(part, name, "changed", old[name], new[name])


def _object(value: Any) -> Mapping[str, Any]:  # noqa: ANN401 - of a stranger's config
    return value if isinstance(value, dict) else {}


def _single(value: Any) -> Mapping[str, Any]:  # noqa: ANN401 - of a stranger's config
    """Nothing, an empty text and an empty list are the same: not there."""
    return {} if value is None or value in ("", [], {}) else {"": value}


def _variables(value: Any) -> Mapping[str, str]:  # noqa: ANN401 - of a stranger's config
    entries = value if isinstance(value, list) else []
    return {one.partition("=")[0]: one.partition("=")[2] for one in entries if isinstance(one, str)}
