"""/api/v1 of a node: real status codes, described by an OpenAPI document."""
