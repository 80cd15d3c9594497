"""The music callers hear while they wait: our own, so that nothing is fetched from elsewhere."""
