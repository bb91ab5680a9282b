"""Documents to print, to carry and to send: maps, PDF, and the files of plans. All are made here, without a network."""
