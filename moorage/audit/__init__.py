"""The audit log: one row for each change, in its transaction, and one for each refusal."""
