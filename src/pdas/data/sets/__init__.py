"""The image sets, a file each."""
