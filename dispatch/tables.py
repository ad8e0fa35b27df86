"""Every table of the service in one place, for the migrations: importing this declares them all."""

from dispatch import client, jobs, key_mark, ledger, reveal, shipment, worklist
from dispatch.approval import case
from dispatch.booking import call
from dispatch.packing import hand_over
from dispatch.tracking import push, sighting
from dispatch.zero_visits import close

TABLES = (client, jobs, key_mark, ledger, reveal, shipment, worklist, case, call, hand_over, push, sighting, close)
