"""skopeo: copies images between registries, folders and archives."""

from tests.parts.tool import Tool


class Skopeo(Tool):
    """The program on PATH."""

    name = "skopeo"


PART = Skopeo
