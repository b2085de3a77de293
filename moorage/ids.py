"""Distinct types for the numbers that name things, so that one cannot be passed for another."""

from typing import NewType

ProjectId = NewType("ProjectId", int)
RepositoryId = NewType("RepositoryId", int)
ArtifactId = NewType("ArtifactId", int)
BlobId = NewType("BlobId", int)
PrincipalId = NewType("PrincipalId", int)
GroupId = NewType("GroupId", int)
TrashId = NewType("TrashId", int)

UploadId = NewType("UploadId", str)
"""128 random bits as 32 hexadecimal digits."""
