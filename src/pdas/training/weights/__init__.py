"""What updates the weights of a network: its optimizer and schedule, and the gradient."""
