"""Architecture families: a search space with its supernet, derived network, cost and drawing.

A family is a package here, or a module of a user's own; `base` says what it has to offer.
"""
