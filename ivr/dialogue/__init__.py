"""What steps use to talk with a caller: the turn in progress, questions, bands of certainty, goals. Pure, between steps and language."""
