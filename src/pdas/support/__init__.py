"""Parts for all rooms: errors, files, settings, arrays. They know nothing of the project."""
