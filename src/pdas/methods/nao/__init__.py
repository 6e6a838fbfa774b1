"""Neural architecture optimisation: architectures as points that move along a gradient.

`sequence` writes an architecture as tokens; `model` has the encoder, predictor and decoder, `fit`
trains them, and `optimizer` asks for what they propose. `method` gives the names "nao" and
"nao-ws", and needs no torch.
"""

from pdas.methods.nao import method as method  # registers them
