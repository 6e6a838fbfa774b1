"""Run directories: everything of one experiment, in files that people can read."""
