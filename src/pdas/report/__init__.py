"""What a run came to, as pictures, a page and a few lines, from the files in its directory."""
