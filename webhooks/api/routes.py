"""Declaring a route of the API once: its address, scope, parameters and answer. The OpenAPI document is written from the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A query parameter, or one of the path."""

    name: str
    about: str
    where: str = "query"
    many: bool = False
    allowed: tuple[str, ...] = ()
    example: str | None = None


@dataclass(frozen=True)
class Route:
    """One operation. `scopes`: any of them opens it. `view` gets (context, access, request, path values) and gives a response."""

    method: str
    path: str  # Flask's form, "/calls/<call_id>"
    scopes: tuple[str, ...]
    summary: str
    view: Callable[..., Any]
    parameters: tuple[Parameter, ...] = ()
    body: dict[str, Any] | None = None  # JSON Schema
    answer: dict[str, Any] = field(default_factory=dict)  # JSON Schema
    media: tuple[str, ...] = ("application/json",)
    status: int = 200


ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    *scopes: str,
    summary: str,
    parameters: tuple[Parameter, ...] = (),
    body: dict[str, Any] | None = None,
    answer: dict[str, Any] | None = None,
    media: tuple[str, ...] = ("application/json",),
    status: int = 200,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the decorated function as an operation. A route without a scope is refused at import: deny by default."""
    if not scopes:
        raise TypeError(f"{method} {path} declares no scope")

    def declare(view: Callable[..., Any]) -> Callable[..., Any]:
        ROUTES.append(Route(method, path, scopes, summary, view, parameters, body, answer or {"type": "object"}, media, status))
        return view

    return declare
