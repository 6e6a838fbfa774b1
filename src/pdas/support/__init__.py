"""What every room may use: errors, files, settings, arrays; it knows nothing of the project."""
