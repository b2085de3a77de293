"""The command line: everything between the shell and the ASGI application.

One file per command group, each with `add(commands)`, which describes its arguments, and functions that take the
parsed ones. Commands change rows through the same services as the API, so they work while the server runs.
A command ends with a status of `exits.py`; whatever goes wrong is one sentence on standard error.
"""
