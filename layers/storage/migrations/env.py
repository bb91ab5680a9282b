"""Alembic's door: runs the migrations on the connection and in the transaction of `layers.storage.databases`."""

from alembic import context

from layers.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
