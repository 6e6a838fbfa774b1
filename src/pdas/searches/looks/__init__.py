"""The last look at a finished search: what its warnings are drawn from."""
