"""Retention: which artifacts of a project stay, and what is deleted because no rule keeps it.

A *policy* belongs to one project and holds *rules*; an artifact stays when any of them keeps it. An *execution* is one
run, with a task for each repository that a rule speaks of. What it finds of each artifact is a *verdict*; a dry run
writes verdicts and deletes nothing. What is deleted waits in the trash.
"""
