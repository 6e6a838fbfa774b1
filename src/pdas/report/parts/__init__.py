"""The parts of the page of a run, one file each, in any order."""
