"""Networks that are trained one by one: `Trials`, in `method`, for any optimizer with ask and tell.

`schedule` says how many there are and how long, `trial` trains one, `running` runs several side by
side, and `inheritance` gives one the weights of another.
"""
