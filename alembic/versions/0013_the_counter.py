"""collections and what is scanned out, pictures, telephone calls, pick-ups at the window

Revision: 0013, after 0009, 2026-11-28. Old code may go on: tables of their own, columns that may be empty. A leg that
is proved by a receipt at the window has no shipment: what counts proofs by their shipment does not count it.
"""

from alembic import op
import sqlalchemy as sa


revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("round_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
    )
    op.create_index(
        "uq_collections_open", "collections", ["carrier"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "collection_scans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name=op.f("fk_collection_scans_collection_id")
        ),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_collection_scans_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_scans")),
        sa.UniqueConstraint("shipment_id", name=op.f("uq_collection_scans_shipment_id")),
    )
    op.create_index(op.f("ix_collection_scans_collection_id"), "collection_scans", ["collection_id"])
    op.create_table(
        "pictures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("shows", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictures")),
    )
    op.create_index(op.f("ix_pictures_subject"), "pictures", ["subject"])
    op.create_table(
        "telephone_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("slip_changes", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_telephone_calls_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telephone_calls")),
    )
    op.create_index(op.f("ix_telephone_calls_case_id"), "telephone_calls", ["case_id"])
    op.create_table(
        "pickups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_by", sa.String(), nullable=True),
        sa.Column("delegate", sa.Boolean(), nullable=False),
        sa.Column("person_name", sa.LargeBinary(), nullable=True),
        sa.Column("person_id_no", sa.LargeBinary(), nullable=True),
        sa.Column("authority", sa.LargeBinary(), nullable=True),
        sa.Column("originals", sa.Integer(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("on_paper", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_pickups_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pickups")),
        sa.UniqueConstraint("case_id", name=op.f("uq_pickups_case_id")),
    )
    op.add_column("hand_overs", sa.Column("postman", sa.LargeBinary(), nullable=True))
    op.add_column("hand_overs", sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("given_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("leg_evidence", "shipment_id", existing_type=sa.Uuid(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM leg_evidence WHERE shipment_id IS NULL")
    op.alter_column("leg_evidence", "shipment_id", existing_type=sa.Uuid(), nullable=False)
    op.drop_column("cases", "given_at")
    op.drop_column("hand_overs", "signed_at")
    op.drop_column("hand_overs", "postman")
    for name in ("pickups", "telephone_calls", "pictures", "collection_scans", "collections"):
        op.drop_table(name)
