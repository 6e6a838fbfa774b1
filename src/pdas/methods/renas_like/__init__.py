"""Evolution whose mutation is learned: `mutator` has it, `method` gives it its name without torch.

Our reading of Chen et al., "Reinforced Evolutionary Neural Architecture Search", CVPR 2019.
"""

from pdas.methods.renas_like import method as method  # registers it
