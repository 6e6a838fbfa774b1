"""Pages: their skeleton, look and elements."""
