"""Background work: executions and their tasks, as rows that people can see and workers take up."""
