"""Transparent mirrors: names of another registry that lead into a project, so that clients need no changed names.

A *mirror* is a row that a system administrator makes: a host name, a port, or the name that containerd sends as `?ns=`,
and a project. Where it fits a request, the repository `NAME` is `PROJECT/NAME`, for reading only. It gives nobody a
right: who may pull from the project may pull through its mirrors. What the project holds, pushed or cached, is not this
subject's.
"""
