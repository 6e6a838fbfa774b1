"""What notebooks show of the public values: a drawing and a short table each."""
