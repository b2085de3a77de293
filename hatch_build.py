"""Puts the built web page into the wheel; an editable install leaves that to `make run` and `make setup`."""

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PortalHook(BuildHookInterface):  # type: ignore[misc,type-arg,unused-ignore]
    """Hatchling's hook."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page before the files are gathered."""
        if version == "editable" or self.target_name != "wheel":
            return
        spec = importlib.util.spec_from_file_location("portal_build", Path(self.root, "tools", "portal.py"))
        if spec is None or spec.loader is None:
            raise RuntimeError("tools/portal.py is missing: the web page cannot be built")
        portal = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(portal)
        portal.build()
        build_data.setdefault("artifacts", []).append("moorage/site/files/**")
