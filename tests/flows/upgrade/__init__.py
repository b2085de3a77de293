"""Databases of earlier revisions, kept as files, and the script that makes them."""
