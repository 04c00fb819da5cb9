"""HTTP: health and metrics. The only place that knows FastAPI and Hypercorn."""
