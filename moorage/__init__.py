"""Moorage: a registry for container images and other OCI artifacts that a team runs itself.

One process serves the OCI distribution API, tokens, and the administration of projects, people and machines.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("moorage")
except PackageNotFoundError:  # a bare source tree on PYTHONPATH
    __version__ = "0.0.0+source"
