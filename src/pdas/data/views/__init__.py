"""Which part of a photograph is seen, and in which colours, when it is not all of it."""
