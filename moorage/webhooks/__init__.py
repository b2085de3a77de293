"""Webhooks: notify other systems of events in a project.

A *policy* of a project says which events go to which *targets*. What happened is written as a *delivery* in the
transaction that makes it so: a push that is rolled back tells nobody, and one that is committed is told at least once,
in order within a repository. A delivery is an execution with one task, so that it can be followed like other work.
"""
