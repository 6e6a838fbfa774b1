"""How a search learns: a method each file or folder, found by name.

`base` is the protocol of methods, `optimizer` that of optimizers, which `sampled` makes methods of;
`components` finds them by name. Where architectures have a cost, `constraints` wrap an optimizer.
"""
