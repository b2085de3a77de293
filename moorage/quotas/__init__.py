"""How much a project may hold, and what it holds. Knows projects by their id only."""
