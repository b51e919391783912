"""`auditor init` and `auditor config`: a first configuration file, and which settings hold."""
