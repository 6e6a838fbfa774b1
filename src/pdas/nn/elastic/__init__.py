"""Elastic layers: as PyTorch's, but their widths may be choices.

The weight of the widest is kept, and the part of the selected widths is used: nothing is padded,
and what lies beyond has no gradient. `base` is what all have, and the protocol for one's own.
"""
