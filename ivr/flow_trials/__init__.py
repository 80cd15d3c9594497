"""Flow tests: conversations written down, run through the engine in milliseconds, with coverage of steps and exits."""

from ivr.flow_trials.reading import Line, Trial, line_of, read_trials
from ivr.flow_trials.running import Coverage, Failure, Result, Stage, carry_out, run_trial

__all__ = ["Coverage", "Failure", "Line", "Result", "Stage", "Trial", "carry_out", "line_of", "read_trials", "run_trial"]
