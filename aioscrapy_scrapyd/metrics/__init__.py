"""What a node measures of itself, for Prometheus: GET /metrics."""
