"""Blobs and their uploads: receive, verify, link, charge and expire the bytes of a repository."""
