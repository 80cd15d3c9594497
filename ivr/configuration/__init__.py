"""config/*.yaml as values: who answers, where callers wait, what numbers mean, where facts come from.

`load_configuration` never raises for what a file holds: everything that could be read is there, everything wrong is in
`problems`, each with file, line, column, what is wrong and what to do.
"""

from ivr.configuration.loading import FILES, load_configuration, names_of, read_configuration
from ivr.configuration.model import Configuration

__all__ = ["FILES", "Configuration", "load_configuration", "names_of", "read_configuration"]
