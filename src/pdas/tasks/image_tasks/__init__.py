"""What tasks on images share: the images in use and their batches, the networks of a family."""
