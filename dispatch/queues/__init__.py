"""The desk's queues: what waits for which hand, counted, filtered, row by row. Looks only, but for saved views."""
