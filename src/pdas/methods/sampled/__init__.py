"""Algorithm 1 for any optimizer with `ask` and `tell`: `Sampled`, in `method`.

`step` is one step of it. `theta_start` decides when theta begins to learn after a warm-up, by a
loss that `constant_output` finds.
"""
