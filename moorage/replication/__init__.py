"""Replication: artifacts copied to another registry, or from one, by themselves.

A *policy* names the other side, which artifacts go along (*filters*), what they are called there, and what starts it: a
hand, a schedule, or what happens here. An *execution* is one run, with a *task* for each artifact. Moving the content
is `remotes.copy`; here is decided what is moved, and told what became of it.
"""
