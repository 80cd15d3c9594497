"""The local carrier: a process of its own that speaks Twilio's HTTP, for demos and tests. See docs/local-carrier.md."""

from ivr.carriers.local.carrier import LocalCarrier
from ivr.carriers.local.exchange import Number, Switches
from ivr.carriers.local.nemesis import Trouble
from ivr.carriers.local.people.behaviour import Behaviour, PhoneBook, read_behaviour
from ivr.carriers.local.people.script import Script, ScriptError, read_script
from ivr.carriers.local.recognition import Recognition
from ivr.carriers.local.station import Station, StationSettings
from ivr.carriers.local.truth import CallTruth

__all__ = [
    "Behaviour",
    "CallTruth",
    "LocalCarrier",
    "Number",
    "PhoneBook",
    "Recognition",
    "Script",
    "ScriptError",
    "Station",
    "StationSettings",
    "Switches",
    "Trouble",
    "read_behaviour",
    "read_script",
]
