"""Parameters, multiply-adds and latency of the derived networks, without building each of them."""
