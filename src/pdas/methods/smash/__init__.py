"""SMASH: weights from a hypernetwork, random architectures, and a local search at the end.

`local_search` compares candidates, `search_method` trains and chooses; `method` gives the name, and
needs no torch.
"""

from pdas.methods.smash import method as method  # registers it
