"""Runs alembic's migrations on the engine that ``catalog.migrate`` passes."""

from alembic import context

from tusd_py.catalog.schema import metadata

with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
