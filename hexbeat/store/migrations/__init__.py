"""The schema, step by step. Alembic runs these from inside the program (`hexbeat.store.databases`)."""
