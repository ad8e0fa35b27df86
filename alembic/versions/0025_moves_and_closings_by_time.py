"""moves and closings by their time; views that an old process kept unsealed beside 0021 go

Revision: 0025, after 0024, 2026-11-29. Old code may go on: indexes, and rows that no code since 0021 shows.
"""

from alembic import op


revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_moves_at", "moves", ["at"], postgresql_using="brin")
    op.create_index("ix_closures_closed_at", "closures", ["closed_at"], postgresql_using="brin")
    op.execute("DELETE FROM saved_views WHERE said IS NULL")


def downgrade() -> None:
    op.drop_index("ix_closures_closed_at", table_name="closures")
    op.drop_index("ix_moves_at", table_name="moves")
