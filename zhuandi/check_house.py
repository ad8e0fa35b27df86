"""What every process asks before it takes part: may this database, this clock and this broker be relied on."""

import structlog

from dispatch import bells
from dispatch.db import connect
from dispatch.safety import Level, database_findings, refuse_unsafe, skew_finding
from dispatch.settings import Settings
from dispatch.wiring import broker_url, database_url, now

log = structlog.get_logger()


def check_house(settings: Settings) -> None:
    """Warnings go to the log. Raises UnsafeDatabaseError, and ZhuandiError for a broker that cannot be used.

    A clock that is wrong refuses nobody: leases hang on the database's. It is logged here, and /readyz is red.
    """
    engine = connect(database_url(settings))
    try:
        with engine.connect() as connection:
            for warning in refuse_unsafe(database_findings(connection)):
                log.warning("database.weak", part=warning.part, found=warning.words, advice=warning.remedy)
            skew = skew_finding(connection, now)
    finally:
        engine.dispose()
    if skew.level is not Level.OK:
        told = log.error if skew.level is Level.ERROR else log.warning
        told("clock.apart", found=skew.words, advice=skew.remedy)
    bells.warn_of_weaknesses(broker_url(settings))
