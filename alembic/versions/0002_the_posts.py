"""the posts

Revision: 0002, after 0001, 2026-11-23.
"""

from alembic import op
import sqlalchemy as sa


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STAGES = [
    *("gathering", "to_book", "booking", "in_doubt", "refused", "booked", "printed", "packed", "cancelling"),
    *("handed_over", "closed", "cancelled"),
]
CARRIAGE = (
    "carriage = 'postal_only' OR (carriage = 'cleared' AND carriage_ground IS NOT NULL"
    " AND carriage_by IS NOT NULL AND carriage_at IS NOT NULL)"
)
SPEAKING = "'shipment.book', 'shipment.settle_doubt', 'shipment.ask'"


def _one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def upgrade() -> None:
    op.create_table(
        "breakers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("next_turn_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breakers")),
        sa.UniqueConstraint("account", name=op.f("uq_breakers_account")),
    )
    op.create_table(
        "errands",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
        sa.UniqueConstraint("number", name=op.f("uq_errands_number")),
        sa.UniqueConstraint("order_no", name=op.f("uq_errands_order_no")),
    )
    op.create_index(
        "ix_errands_open",
        "errands",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("cancelled_at IS NULL AND ended_at IS NULL"),
    )
    op.create_table(
        "rhythms",
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("median", sa.Interval(), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("carrier", "direction", "view", name=op.f("pk_rhythms")),
    )
    op.create_table(
        "routes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("item_code", sa.String(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routes")),
    )
    op.create_index(
        "uq_routes_live", "routes", ["area", "item_code"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "errand_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("errand_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("signer", sa.String(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["errand_id"], ["errands.id"], name=op.f("fk_errand_events_errand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errand_events")),
        sa.UniqueConstraint("errand_id", "at", "code", name=op.f("uq_errand_events_errand_id_at_code")),
    )
    op.create_table(
        "allotted_numbers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_allotted_numbers_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allotted_numbers")),
        sa.UniqueConstraint("carrier", "number", name=op.f("uq_allotted_numbers_carrier_number")),
    )
    op.create_index(
        "ix_allotted_numbers_free",
        "allotted_numbers",
        ["carrier", "id"],
        unique=False,
        postgresql_where=sa.text("shipment_id IS NULL"),
    )
    op.create_table(
        "their_labels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("waybill_id", sa.Uuid(), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["waybill_id"], ["waybills.id"], name=op.f("fk_their_labels_waybill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_their_labels")),
        sa.UniqueConstraint("waybill_id", name=op.f("uq_their_labels_waybill_id")),
    )
    op.create_index(op.f("ix_carrier_calls_intended_at"), "carrier_calls", ["intended_at"], unique=False)
    op.add_column("items", sa.Column("carriage_ground", sa.String(), nullable=True))
    op.add_column("items", sa.Column("carriage_by", sa.String(), nullable=True))
    op.add_column("items", sa.Column("carriage_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shipments", sa.Column("absences", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("shipments", sa.Column("intended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shipments", sa.Column("after_voiding", sa.String(), nullable=True))
    op.add_column("sightings", sa.Column("pushed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sightings", sa.Column("new_number", sa.String(), nullable=False, server_default=""))
    op.create_index(
        "ix_sightings_new_number",
        "sightings",
        ["carrier", "new_number"],
        unique=False,
        postgresql_where=sa.text("new_number <> ''"),
    )
    for table, column in (("shipments", "absences"), ("sightings", "pushed"), ("sightings", "new_number")):
        op.alter_column(table, column, server_default=None)
    op.execute("UPDATE sightings SET pushed = true WHERE source = 'push'")
    op.drop_constraint(op.f("ck_shipments_stage"), "shipments", type_="check")
    op.create_check_constraint("stage", "shipments", _one_of("stage", STAGES))
    op.execute("UPDATE items SET carriage = 'postal_only'")  # nothing could be cleared until now
    op.create_check_constraint("carriage", "items", CARRIAGE)
    # A job that speaks to a carrier is named with it; until now there was one carrier.
    op.execute(f"UPDATE jobs SET name = name || '@ems' WHERE name IN ({SPEAKING}) AND done_at IS NULL")  # noqa: S608


def downgrade() -> None:
    op.execute("UPDATE jobs SET name = split_part(name, '@', 1) WHERE name LIKE '%@ems' AND done_at IS NULL")
    op.drop_constraint(op.f("ck_items_carriage"), "items", type_="check")
    op.drop_constraint(op.f("ck_shipments_stage"), "shipments", type_="check")
    op.execute("UPDATE shipments SET stage = 'booked' WHERE stage = 'cancelling'")
    op.create_check_constraint("stage", "shipments", _one_of("stage", [s for s in STAGES if s != "cancelling"]))
    op.drop_index("ix_sightings_new_number", table_name="sightings", postgresql_where=sa.text("new_number <> ''"))
    op.drop_column("sightings", "new_number")
    op.drop_column("sightings", "pushed")
    op.drop_column("shipments", "after_voiding")
    op.drop_column("shipments", "intended_at")
    op.drop_column("shipments", "absences")
    op.drop_column("items", "carriage_at")
    op.drop_column("items", "carriage_by")
    op.drop_column("items", "carriage_ground")
    op.drop_index(op.f("ix_carrier_calls_intended_at"), table_name="carrier_calls")
    op.drop_table("their_labels")
    op.drop_index(
        "ix_allotted_numbers_free", table_name="allotted_numbers", postgresql_where=sa.text("shipment_id IS NULL")
    )
    op.drop_table("allotted_numbers")
    op.drop_table("errand_events")
    op.drop_index("uq_routes_live", table_name="routes", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("routes")
    op.drop_table("rhythms")
    op.drop_index(
        "ix_errands_open", table_name="errands", postgresql_where=sa.text("cancelled_at IS NULL AND ended_at IS NULL")
    )
    op.drop_table("errands")
    op.drop_table("breakers")
