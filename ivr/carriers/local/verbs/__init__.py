"""What each TwiML verb does to a leg, one file per kind of doing. Importing this package registers them all."""

from ivr.carriers.local.verbs import dial, dial_conference, dial_queue, enqueue, gather, pay, record, speech, steering

__all__ = ["dial", "dial_conference", "dial_queue", "enqueue", "gather", "pay", "record", "speech", "steering"]
