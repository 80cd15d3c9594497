"""Facts and look-ups from tables, databases and HTTP services, each bounded in time, size and trust."""

from ivr.connectors.lookups import Connectors

__all__ = ["Connectors"]
