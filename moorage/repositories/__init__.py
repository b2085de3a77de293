"""The tables of repositories and of what they hold, how a repository is created, how content is found to be served."""
