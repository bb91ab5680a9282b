"""The public release: guarded carry-up of counts, the series of releases, and the audit of them."""
