"""Methods that train shared weights, and learn now and then: when, and what that costs."""
