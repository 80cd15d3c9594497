"""A smart IVR: call flows in YAML, spoken intent, skill-based routing, honest call records."""

__version__ = "0.1.0"
