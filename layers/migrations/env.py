"""Alembic's door: runs the migrations on the connection, and in the transaction, that `layers.databases` hands over."""

from alembic import context

from layers.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
