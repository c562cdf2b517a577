"""One module per experiment of the paper: configurations, runs and tidy results; and the profiles."""
