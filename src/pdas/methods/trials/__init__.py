"""Networks that are trained one by one."""
