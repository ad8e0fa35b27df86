"""carriage rulings

Revision: 0004, after 0003, 2026-11-25.
"""

from alembic import op
import sqlalchemy as sa


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "carriage_rulings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("carriage", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=True),
        sa.Column("ruled_by", sa.String(), nullable=False),
        sa.Column("ruled_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_carriage_rulings_item_id_items")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carriage_rulings")),
    )
    op.create_index(op.f("ix_carriage_rulings_item_id"), "carriage_rulings", ["item_id"])
    # What stands is the last ruling; earlier ones were not kept until now.
    op.execute(
        "INSERT INTO carriage_rulings (id, item_id, carriage, ground, ruled_by, ruled_at)"
        " SELECT gen_random_uuid(), id, carriage, carriage_ground, carriage_by, carriage_at FROM items"
        " WHERE carriage_by IS NOT NULL AND carriage_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_table("carriage_rulings")
