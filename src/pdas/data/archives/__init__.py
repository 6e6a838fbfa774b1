"""Images within archives, read in place: nothing is unpacked."""
