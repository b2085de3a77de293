"""Repositories: their tables, how they are created, and how content to serve is found."""
