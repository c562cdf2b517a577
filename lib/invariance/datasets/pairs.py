from invariance.measures import pair_keys as pair_keys, paired_images as paired_images
