"""The edge to the carrier: HTTP routes for webhooks, API, console and desk."""
