"""A list is uploaded at the counter: kept sealed while its faults are looked at, then its good rows are taken."""
