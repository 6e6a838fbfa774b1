"""What each of several ranks reads of a batch."""
