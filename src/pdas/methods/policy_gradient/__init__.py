"""Controllers: policies that learn by the gradient of the expected reward.

`policy` is their base; `lstm_policy`, `enas_policy` and `product_policy` are three of them, and
`optimizer` teaches any. `enas` and `nas` give them their names in a search, and need no torch.
"""

from pdas.methods.policy_gradient import enas as enas  # registers enas and enas-plain
from pdas.methods.policy_gradient import nas as nas  # registers nas and nasnet
