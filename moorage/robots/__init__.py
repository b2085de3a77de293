"""Robot accounts: programs that sign in with a secret of their own.

A robot belongs to the system or to one project, has permissions of its own, and may expire. What it does with its
secret (tokens, pulls) belongs to `tokens` and `distribution`.
"""
