"""What an artifact contains in the REST API: additions, contents, comparison, selectors."""

from moorage.inspection.routes import additions, compare, contents, explain, selectors

ROUTES = (*additions.ROUTES, *compare.ROUTES, *contents.ROUTES, *explain.ROUTES, *selectors.ROUTES)
