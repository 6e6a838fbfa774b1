"""The look and the shapes that all pictures share."""
