"""Who answers whom: skills, queues, offers. Knows nothing of telephony or flows."""
