"""What belongs neither to /v2 nor to the API: probes and metrics."""
