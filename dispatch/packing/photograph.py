"""A photograph of an open envelope, for those who want one: what lay in it when it was sealed."""

from sqlalchemy import select

from dispatch.approval.within import EVERYTHING, Within
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Stage
from dispatch.picture import Shows, is_kept, keep_picture, read_photo
from dispatch.shipment import Shipment, lock
from dispatch.waybill import Waybill
from dispatch.world import World

ON_THE_TABLE = frozenset({Stage.PRINTED, Stage.PACKED})


def photograph(
    world: World, waybill_no: str, body: bytes, by: str, carrier: str = "", within: Within = EVERYTHING
) -> None:
    """Keep a photograph with the envelope that has this number; one that it has already is not kept again.

    Raises NotFoundError, NotAllowedError (no photograph, too large, or the envelope is not on the table).
    """
    drawn = read_photo(body)
    live = (Waybill.voided_at.is_(None), Waybill.retired_at.is_(None), Waybill.number == waybill_no)
    query = select(Shipment).join(Waybill, Waybill.shipment_id == Shipment.id).where(*live, within.shipments)
    with world.begin() as session:
        found = [one for one in session.scalars(query) if carrier in {"", one.carrier}]
        if not found:
            raise NotFoundError(f"没有运单号为“{waybill_no}”的邮件。请重新扫描面单条码。")
        envelope = lock(session, found[0].id)
        if len(found) > 1 or envelope.stage not in ON_THE_TABLE:
            raise NotAllowedError(f"运单 {waybill_no} 不在封装台上，照片没有存。")
        if not is_kept(world, session, envelope.subject, drawn):
            keep_picture(world, session, envelope.subject, Shows.CONTENTS, drawn, by)
