"""What runs behind the web: the switchboard between calls and agents, carrier commands, the clock, background jobs.

A composition root: it may import everything, and only the other roots (`webhooks`, `ivr.cli`) import it.
"""
