"""Plans of patrols and sweeps: what is expected where, in which order, within the hours that there are."""
