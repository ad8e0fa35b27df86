"""cases that nobody waits for any more end, and are forgotten in their time like those that were closed; cases that
are released into an envelope of their own; printers that are edited and switched off;
indexes for what every page asks

Revision: 0018, after 0017, 2026-11-29. Old code may go on: it leaves the new columns empty, who it forgets is forgotten once
more, and what it gathers may share an envelope all the same.
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("lapsed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    for table in ("cases", "batch_items"):
        op.add_column(table, sa.Column("alone", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("off_at", "changed_at"):
        op.add_column("printers", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("printers", sa.Column("changed_by", sa.String(), nullable=True))
    op.add_column("print_jobs", sa.Column("claimed", postgresql.JSONB(), nullable=True))
    op.execute("""
        UPDATE cases SET erased_at = closures.erased_at
        FROM closures WHERE closures.case_id = cases.id AND closures.erased_at IS NOT NULL
    """)
    op.create_index("ix_cases_kept", "cases", ["received_at"], postgresql_where=sa.text("erased_at IS NULL"))
    op.create_index("ix_cases_department", "cases", ["department", "decided_at"])
    op.create_index("ix_slips_town", "slips", ["town", "case_id"])


def downgrade() -> None:
    op.execute("""
        UPDATE closures SET erased_at = cases.erased_at
        FROM cases WHERE closures.case_id = cases.id AND cases.erased_at IS NOT NULL
    """)
    op.drop_index("ix_slips_town", table_name="slips")
    op.drop_index("ix_cases_department", table_name="cases")
    op.drop_index("ix_cases_kept", table_name="cases")
    op.drop_column("print_jobs", "claimed")
    for name in ("changed_by", "changed_at", "off_at"):
        op.drop_column("printers", name)
    op.drop_column("batch_items", "alone")
    op.drop_column("cases", "alone")
    op.drop_column("cases", "erased_at")
    op.drop_column("cases", "lapsed_at")
