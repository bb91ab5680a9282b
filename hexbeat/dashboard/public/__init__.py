"""The public's side: everything here comes from one published release, and from nothing else."""
