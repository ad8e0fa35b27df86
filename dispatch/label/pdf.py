"""PDFium is not made for several threads: whoever uses it has it alone."""

import threading
from typing import Final

PDFIUM: Final = threading.Lock()
