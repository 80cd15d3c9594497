"""Who holds the handset: scripts, behaviours of agents' addresses, somebody at a terminal."""
