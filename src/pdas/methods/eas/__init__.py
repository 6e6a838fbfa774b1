"""EAS: edits that keep the function of a network; `method` has its name, without torch.

Cai et al., "Efficient Architecture Search by Network Transformation", AAAI 2018.
"""

from pdas.methods.eas.method import EASSettings as EASSettings  # registers it
