"""Who did what: one row per change, in the transaction of the change, and one per refusal."""
