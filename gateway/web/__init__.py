"""HTTP: the page and its doors, health and metrics. The only place that knows FastAPI and Hypercorn."""
