"""Projects and their members: the owners of repositories and rules."""
