"""A search in the user's own network and data: arguments, plan, finalists, result."""
