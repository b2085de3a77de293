"""Look into an artifact: its contents, additions, differences to another, and which rules match it."""
