"""Background work: executions and their tasks."""
