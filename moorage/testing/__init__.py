"""The promises of our protocols as test suites, for our own drivers and for those in other repositories.

A suite is a class; a driver's tests inherit from it and give it a fixture:

    from moorage.testing.storage import StorageContract

    class TestMyDriver(StorageContract):
        @pytest.fixture
        async def storage(self) -> AsyncIterator[Storage]: ...

It needs pytest and pytest-asyncio, which the server itself does not install.
"""

import pytest

for _module in ("bodies", "storage_objects", "storage_uploads"):
    pytest.register_assert_rewrite(f"moorage.testing.{_module}")
