"""Distinct types for what names a thing, so that one cannot be passed for another."""

from typing import NewType

UploadId = NewType("UploadId", str)
"""128 random bits as 32 hexadecimal digits."""
