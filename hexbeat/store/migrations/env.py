"""Alembic's door: runs the migrations on the connection and in the transaction of `hexbeat.store.databases`."""

from alembic import context

from hexbeat.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
