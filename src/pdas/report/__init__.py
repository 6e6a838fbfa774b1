"""The results of a run, as pictures, a page and a few lines, from the files in its directory."""
