"""What ranks send to each other: messages through the CPU, sums of gradients, checksums."""
