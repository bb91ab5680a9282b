"""The ledger of work done, and the reference places that plans need: visits, and files of them."""
