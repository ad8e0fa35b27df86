"""restores

Revision: 0007, after 0006, 2026-11-25. Old code may go on: a table, and columns that may be empty.
"""

from alembic import op
import sqlalchemy as sa


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("restored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("backup_taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_through_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("all_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("all_sent_by", sa.String(), nullable=True),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciled_by", sa.String(), nullable=True),
        sa.Column("accepted", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restores")),
    )
    op.add_column("shipments", sa.Column("perhaps_placed", sa.String(), nullable=True))
    op.add_column("allotted_numbers", sa.Column("withheld", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("allotted_numbers", "withheld")
    op.drop_column("shipments", "perhaps_placed")
    op.drop_table("restores")
