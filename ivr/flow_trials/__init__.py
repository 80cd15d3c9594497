"""Flow tests: conversations written down, run through the engine in milliseconds, with coverage of steps and exits."""

from ivr.flow_trials.coverage import Coverage
from ivr.flow_trials.reading import Line, Trial, line_of, read_trials
from ivr.flow_trials.running import Failure, Result, carry_out, run_trial
from ivr.flow_trials.stage import Stage

__all__ = ["Coverage", "Failure", "Line", "Result", "Stage", "Trial", "carry_out", "line_of", "read_trials", "run_trial"]
