"""Every error this product raises on purpose.

IvrError                     something a person can read: `str(error)` is a whole sentence
├── SettingError             an environment setting is missing or malformed: name, expectation, example
├── FlowError                a flow cannot be used; carries the lint problems
├── IntentError              training data or a model cannot be used
├── ConnectorError           a look-up cannot be made as configured (not: it failed, which is a result)
├── CarrierError             the carrier refused or did not answer
│   ├── CarrierRefused       an answer came and it says no (code, HTTP status)
│   └── CarrierSilent        no answer in time: it may or may not have happened
├── RecordError              call records or reports cannot be read or written
├── StoreUnavailable         Redis or SQL does not answer within its limit
└── AccessDenied             no, wrong, expired or under-scoped credentials
"""

from __future__ import annotations


class IvrError(Exception):
    """Base of every error raised on purpose; `str(error)` is a sentence for a person."""


class SettingError(IvrError):
    """An environment setting is missing or malformed."""


class FlowError(IvrError):
    """A flow cannot be used. `problems` are the lint problems, sorted by position."""

    def __init__(self, message: str, problems: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class IntentError(IvrError):
    """Training data or a model cannot be used."""


class ConnectorError(IvrError):
    """A connector is configured in a way that cannot work."""


class CarrierError(IvrError):
    """The carrier did not do what was asked."""


class CarrierRefused(CarrierError):
    """The carrier answered and said no. `status` is HTTP's, `code` the carrier's own (0: none)."""

    def __init__(self, message: str, status: int = 0, code: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class CarrierSilent(CarrierError):
    """No answer in time: what was asked may or may not have happened."""


class RecordError(IvrError):
    """Call records or reports cannot be read or written as asked."""


class StoreUnavailable(IvrError):
    """Redis or SQL does not answer within its limit."""


class AccessDenied(IvrError):
    """No, wrong, expired or under-scoped credentials."""
