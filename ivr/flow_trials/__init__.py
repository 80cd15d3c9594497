"""Flow tests: conversations written down, run through the engine in milliseconds, with coverage of steps and exits."""

from ivr.flow_trials.reading import Line, Trial, read_trials
from ivr.flow_trials.running import Coverage, Failure, Result, run_trial

__all__ = ["Coverage", "Failure", "Line", "Result", "Trial", "read_trials", "run_trial"]
