"""Facts and look-ups from tables, databases and HTTP services, each bounded in time, size and trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ivr.connectors.lookups import Connectors

__all__ = ["Connectors"]


def __getattr__(name: str) -> Any:
    """`Connectors` is loaded when first asked for: reading config/ needs this package's field types, not its databases and HTTP."""
    if name != "Connectors":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ivr.connectors.lookups import Connectors

    return Connectors
