"""What is learned from which data by which loss, and how it is judged."""
