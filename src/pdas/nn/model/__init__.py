"""A search space made of a plain model by rules.

`rules` say what may vary. `tracing` finds where the channels of each layer arrive, by running the
model; `groups` finds of that which layers have one width; `replacing` puts elastic layers in their
place. `searchable` puts these together.
"""
