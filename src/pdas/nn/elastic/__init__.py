"""Elastic layers: as PyTorch's, but their widths may be choices.

The weight of the widest is kept, and its leading slice is used: nothing is padded, and what lies
beyond the slice has no gradient.
"""
