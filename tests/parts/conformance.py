"""The conformance suite of the OCI distribution specification, in exactly the version that go.txt pins."""

from tests.parts.tool import PinnedGoTool


class Conformance(PinnedGoTool):
    """As built from go.txt."""

    name = "conformance"


PART = Conformance
