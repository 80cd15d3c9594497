"""The JSON API under /api/v1: records, figures, what is live now, flows and callbacks, for programs with a bearer token."""

from webhooks.api.blueprint import api_blueprint
from webhooks.api.context import ApiContext

__all__ = ["ApiContext", "api_blueprint"]
