from invariance.measures import pair_keys as pair_keys
