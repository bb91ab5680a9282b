"""The schema, step by step. Alembic runs these from inside the program (`layers.storage.databases`)."""
