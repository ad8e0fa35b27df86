"""What comes out of a printer while workers die, and the clerk who counts it."""

from uuid import UUID

from sqlalchemy import select

from dispatch.label.print_run import PrintRun, draw_run
from dispatch.label.print_sheets import Wish, begin_print, go_on_after
from dispatch.label.printer import Language, PrinterAsked, PrintJob, State, add_printer
from dispatch.label.sheet import SheetSize
from dispatch.label.thermal.labels import write_labels
from dispatch.waybill import live_waybill
from dispatch.world import World
from sandbox.printer import RawPrinter


class Papers:
    """Runs of one sheet each. The printer's book is what came over its wire, to the byte.

    A letter is packed only once its sheet is there. Where the service says that it does not know, the clerk looks
    into the tray and says how many came out: so each sheet comes out once, whoever died.
    """

    def __init__(self, world: World, printer: RawPrinter, by: str) -> None:
        self.world, self.printer, self.by = world, printer, by
        asked = PrinterAsked("演练打印机", "127.0.0.1", printer.port, size="76x130")
        self.printer_id = add_printer(world, asked, by)
        self.sheets: dict[UUID, bytes] = {}
        self.numbers: dict[UUID, str] = {}

    def print(self, shipment_id: UUID) -> None:
        """Its sheet is sent to the printer."""
        batch = begin_print(self.world, [shipment_id], Wish(SheetSize.ONE_PART, self.by, "", self.printer_id))
        with self.world.reading() as session:
            number = live_waybill(session, shipment_id).number
        self._expect(batch, number)

    def count(self) -> None:
        """Whatever the service does not know is counted."""
        unanswered = (PrintJob.state == State.UNKNOWN, PrintRun.answered_at.is_(None))
        with self.world.reading() as session:
            query = select(PrintJob.batch_id).join(PrintRun, PrintRun.batch_id == PrintJob.batch_id)
            asked = session.scalars(query.where(*unanswered)).all()
        for batch in asked:
            further = go_on_after(self.world, batch, self._came_out(batch), self.by, "打印中断")
            if further is not None:
                self._expect(further, self.numbers[batch])

    def awaited(self) -> set[str]:
        """The numbers whose sheet has not come out yet, by the printer's book."""
        return {number for number in self.numbers.values() if not self._sheets_of(number)}

    def wrong(self) -> list[str]:
        """Sheets that came out twice, or never."""
        found = {number: self._sheets_of(number) for number in self.numbers.values()}
        return [f"the sheet of {number} came out {times} times" for number, times in found.items() if times != 1]

    def _expect(self, batch: UUID, number: str) -> None:
        pdf = draw_run(self.world, batch)
        self.sheets[batch] = write_labels(pdf, Language.ZPL, darkness=None, moved=(0, 0))
        self.numbers[batch] = number

    def _sheets_of(self, number: str) -> int:
        return sum(self._came_out(batch) for batch, one in self.numbers.items() if one == number)

    def _came_out(self, batch: UUID) -> int:
        return self.printer.jobs.count(self.sheets[batch])
