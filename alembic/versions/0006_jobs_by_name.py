"""jobs by name

Revision: 0006, after 0005, 2026-11-25. Old code may go on: an index is added, none is taken away.
"""

from alembic import op
import sqlalchemy as sa


revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_jobs_due_by_name", "jobs", ["name", "next_at"], postgresql_where=sa.text("done_at IS NULL"))


def downgrade() -> None:
    op.drop_index("ix_jobs_due_by_name", table_name="jobs")
