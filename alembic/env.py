"""Migrations run on the connection that `zhuandi migrate` hands in."""

from alembic import context

from dispatch.db import Base
from dispatch.tables import TABLES

assert TABLES  # importing the module has declared every table

def include(obj, name, kind, reflected, compare_to):
    """The queue's own schema belongs to its broker."""
    return not (kind == "table" and obj.schema == "dramatiq")

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True, include_object=include)
with context.begin_transaction():
    context.run_migrations()
