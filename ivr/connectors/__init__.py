"""Facts and look-ups from tables, databases and HTTP services, each bounded in time, size and trust."""
