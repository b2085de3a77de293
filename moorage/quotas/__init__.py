"""Limits and usage of projects, which are known here by their id only."""
