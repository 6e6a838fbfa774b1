"""`pdas.retrain`: the training of a derived network of one's own."""
