"""A search in a network and data of the user's own: arguments, plan, finalists, result."""
