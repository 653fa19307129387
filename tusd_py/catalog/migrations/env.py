"""Runs alembic's migrations on the engine that ``catalog.migrate`` passes."""

from alembic import context

from tusd_py.catalog.schema import metadata

with context.config.attributes["engine"].connect() as connection:
    if connection.dialect.name == "sqlite":
        # All or nothing, and one commit; MySQL commits at each change of a table.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
