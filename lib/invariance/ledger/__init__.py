"""The ledger: the verdicts on every study's statements, and the log of deviations."""
