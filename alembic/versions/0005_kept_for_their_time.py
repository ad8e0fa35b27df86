"""kept for their time

Revision: 0005, after 0004, 2026-11-25. Old code may go on: what it writes is still valid.
"""

from alembic import op
import sqlalchemy as sa


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("pushes", "raw", nullable=True)
    op.create_index("ix_pushes_read", "pushes", ["read_at"], postgresql_where=sa.text("raw IS NOT NULL"))
    op.create_index(
        "ix_pushes_turned_away", "pushes", ["received_at"], postgresql_where=sa.text("turned_away IS NOT NULL")
    )
    op.create_index("ix_jobs_done", "jobs", ["done_at"], postgresql_where=sa.text("done_at IS NOT NULL"))
    op.create_index(op.f("ix_job_failures_at"), "job_failures", ["at"])
    op.add_column("jobs", sa.Column("abandoned", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("jobs", "abandoned")
    op.drop_index(op.f("ix_job_failures_at"), table_name="job_failures")
    op.drop_index("ix_jobs_done", table_name="jobs")
    op.drop_index("ix_pushes_turned_away", table_name="pushes")
    op.drop_index("ix_pushes_read", table_name="pushes")
    op.execute("DELETE FROM pushes WHERE raw IS NULL")  # erased: nothing is lost with the row but its digest
    op.alter_column("pushes", "raw", nullable=False)
