"""Background work: executions and their tasks, stored as rows that workers claim.

An *execution* is one run of a policy or a maintenance action; its *tasks* are what workers run; a *job* is the
function of a task. The rows are the queue: there is no other (docs/adr/0040). A subject writes jobs in its own
`jobs.py` with `@job`, and has them run by `enqueue`, by name (docs/develop/jobs.md).
"""
