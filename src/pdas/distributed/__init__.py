"""Several devices: processes, ranks, and what they exchange."""
