"""What is written: files that are whole or not there, and streams that may end."""
