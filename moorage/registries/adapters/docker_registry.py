"""Any registry of OCI distribution or Docker v2."""

from moorage.registries.adapters.base import Adapter, Traits


class DockerRegistry(Adapter):
    """A plain registry: repositories by `_catalog`, where it has that, and a push needs no preparation."""

    kind = "docker-registry"
    label = "Docker registry, OCI distribution"
    traits = Traits(proven=True, copy_by_chunk=True, note="Any registry of OCI distribution or Docker v2.")


ADAPTER = DockerRegistry
