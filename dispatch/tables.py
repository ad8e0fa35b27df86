"""Every table of the service in one place, for the migrations: importing this declares them all."""

from dispatch import (
    audit,
    batch,
    breaker,
    call,
    client,
    jobs,
    key_mark,
    ledger,
    picture,
    restored,
    reveal,
    shipment,
    waybill,
    working_days,
    worklist,
)
from dispatch.approval import amend_slip, carriage, case, issue, pickup_row
from dispatch.approval.upload import kept
from dispatch.booking import allot, route
from dispatch.errands import errand
from dispatch.label import print_run, printer, their_label
from dispatch.packing import collection, hand_over
from dispatch.queues import saved_view
from dispatch.staff import browser, member
from dispatch.tracking import push, rhythm, sighting
from dispatch.zero_visits import close, telephone_call

REVISION = "0025"
"""The newest migration that this code needs; a test holds it to the newest one there is. Revisions sort as text."""
TABLES = (
    *(audit, breaker, call, client, jobs, key_mark, ledger, picture, restored, reveal, shipment, waybill, worklist),
    working_days,
    *(carriage, case, allot, route, their_label, collection, hand_over, push, rhythm, sighting, close, errand),
    *(browser, member, saved_view, batch, print_run, printer, amend_slip, issue, kept, pickup_row, telephone_call),
)
