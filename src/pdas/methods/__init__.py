"""Search methods: each is one file or folder, with a registered name.

`base` has the base class of methods and `optimizer` the protocol of optimizers. `sampled` makes a
method of an optimizer, `components` finds methods by name, and `constraints` add a limit or a
penalty on the cost of architectures to an optimizer.
"""
