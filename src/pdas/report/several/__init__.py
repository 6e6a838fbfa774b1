"""One page of several runs: of any, of a sweep, of a comparison."""
