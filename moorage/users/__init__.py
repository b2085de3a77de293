"""Users, groups and their preferences: the accounts that people have, and local passwords."""
