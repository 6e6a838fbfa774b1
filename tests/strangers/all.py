"""All strangers but the methods, which are named by themselves."""

import tests.spaces.chain_family
import tests.strangers.blobs
import tests.strangers.counting  # noqa: F401
