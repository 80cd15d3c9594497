"""What lasts: call records computed from journals, the figures over them, and who may read them. SQL and nothing else."""
