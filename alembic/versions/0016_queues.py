"""what the desk's queues are counted by: cases without their paper, envelopes by when they were closed

Revision: 0016, after 0015, 2026-11-28. Old code may go on: indexes only.
"""

from alembic import op
import sqlalchemy as sa


revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_cases_without_paper", "cases", ["decided_at"], postgresql_where=sa.text("paper_ready_at IS NULL")
    )
    op.create_index("ix_shipments_closed", "shipments", ["moved_at"], postgresql_where=sa.text("stage = 'closed'"))


def downgrade() -> None:
    op.drop_index("ix_shipments_closed", table_name="shipments")
    op.drop_index("ix_cases_without_paper", table_name="cases")
