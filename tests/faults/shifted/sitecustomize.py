"""Python reads this first where its folder is on the path: a process whose wall clock is wrong (tests/faults).

`SHIFT_SECONDS`: so far it is ahead, or behind. `JUMP_SECONDS`: so far it jumps at SIGUSR1. Only the wall clock is
shifted, as on a machine that is set wrongly: uptime goes on.
"""

import os
import signal
import time

import time_machine

_traveller = time_machine.travel(time.time() + float(os.environ["SHIFT_SECONDS"]), tick=True).start()
signal.signal(signal.SIGUSR1, lambda *_: _traveller.shift(float(os.environ.get("JUMP_SECONDS", "0"))))
