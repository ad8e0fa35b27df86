"""A network printer to practise on: a raw port like 9100, which keeps what it is told, and may be sick."""

from sandbox.printer.raw import Fault, RawPrinter, running_printer

__all__ = ["Fault", "RawPrinter", "running_printer"]
