"""What an architecture costs: parameters, multiply-adds, a measured latency.

A cost is a function of the architecture. `base` has the protocol, and any function as a cost.
`product` has a cost that can be looked into: a sum of products of one number for every variable.
"""

from pdas.cost.base import Cost, FunctionCost
from pdas.cost.factors import Term
from pdas.cost.product import ProductCost

__all__ = ["Cost", "FunctionCost", "ProductCost", "Term"]
