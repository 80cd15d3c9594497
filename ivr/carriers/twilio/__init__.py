"""Twilio Programmable Voice: the only place that knows TwiML, webhook parameters and the REST API.

`signature` decides whether a request is the carrier's, `read` turns it into an event, `write` turns actions into TwiML, `client`
places and redirects calls.
"""
