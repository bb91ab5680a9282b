"""Did it work: treated places against places with the same past, by a rule fixed beforehand."""
