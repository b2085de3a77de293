"""Azure Container Registry.

Source: azure.github.io/acr/Token-BasicAuth; learn.microsoft.com/rest/api/containerregistry (Tag - Delete,
Manifests - Delete, Repository - Get List).
"""

from moorage.registries.adapters.base import Adapter, Traits


class Azure(Adapter):
    """Azure: the account is the registry's admin user, a service principal or a token of the registry."""

    kind = "azure-acr"
    label = "Azure Container Registry"
    traits = Traits(
        note="Azure Container Registry; the account is its admin user, a service principal, or a token of its own.",
        copy_by_chunk=True,
    )  # fmt: skip

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Take a tag off; the manifest stays."""
        path = f"{self.client.path(repository).replace('/v2/', '/acr/v1/', 1)}/_tags/{tag}"
        await self.client.send("DELETE", path, (f"repository:{repository}:delete",), also=(404,))


ADAPTER = Azure
