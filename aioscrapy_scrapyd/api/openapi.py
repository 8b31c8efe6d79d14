"""The OpenAPI document of /api/v1, made from the table of routes."""

import re
from typing import Any

from aioscrapy.version import __version__
from aioscrapy_scrapyd.api.routes import PREFIX, ROUTES, Route

_ERRORS = {
    "400": "a name, a number or an argument can't be used",
    "401": "a user name and a password, or a token, is needed",
    "403": "the user's role or projects do not allow it, or a page of another site asks",
    "404": "there is no such project, version, spider, job or route",
    "409": "the version can't be listed here, or the job is in another state",
    "413": "the body has too many bytes",
    "429": "too many failed logins",
    "503": "the disk or node.db can't be written; nothing has changed",
}
_OBJECT = {"type": "object"}


def document() -> dict[str, Any]:
    """Return the document, version 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(f"{PREFIX}{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "aioscrapy-scrapyd node", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
                        }
                    },
                }
            },
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{}, {"basic": []}, {"token": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    in_query = [
        {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in route.query.items()
    ]
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    answers: dict[str, Any] = {
        str(route.status): {
            "description": "done",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    }
    answers |= {code: {"description": meaning, "content": problem} for code, meaning in _ERRORS.items()}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "description": f"Needs the role {route.role.name.lower()}.",
        "operationId": route.handler.__name__,
        "parameters": [*in_path, *in_query],
        "responses": answers,
    }
    if isinstance(route.body, str):
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "description": route.body, "content": content}
    elif route.body:
        fields = {
            name: {"type": kind, "description": meaning} for name, (kind, meaning) in route.body.items()
        }
        schema = {"type": "object", "required": ["project", "spider"], "properties": fields}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation
