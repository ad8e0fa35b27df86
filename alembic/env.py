"""Migrations run on the connection that `zhuandi migrate` hands in."""

from alembic import context

import dispatch.tables  # noqa: F401 - importing it declares every table
from dispatch.db import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
with context.begin_transaction():
    context.run_migrations()
