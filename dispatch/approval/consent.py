"""What the applicant agrees to afterwards: somebody else may sign."""

from uuid import UUID

from sqlalchemy.orm import Session

from dispatch.approval.case import CaseSlip


def allow_proxy(session: Session, slip_id: UUID) -> None:
    """The authorisation (授权书) is there: whoever took it in for the recipient was allowed to."""
    slip = session.get_one(CaseSlip, slip_id, with_for_update=True)
    slip.proxy_allowed = True
