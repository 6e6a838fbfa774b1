"""Several devices: their processes, the ranks, and the exchange between them."""
