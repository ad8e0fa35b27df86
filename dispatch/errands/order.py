"""What an order at the desk must say. What more it says is kept, and counts as content."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from dispatch.errands.errand import ORDER_NO, BadFieldError

OrderNo = Annotated[str, StringConstraints(pattern=ORDER_NO)]
Said = Annotated[str, Field(min_length=1, max_length=200)]
Unsaid = Annotated[str, Field(max_length=200)]


class PartyBody(BaseModel):
    """Sender or recipient, in full."""

    name: Said
    phone: Said
    province: Unsaid
    city: Unsaid
    county: Unsaid
    address: Said
    postcode: Unsaid = ""


class OrderBody(BaseModel):
    """The operation `book` (docs/by-hand.md)."""

    order_no: OrderNo
    created_at: Said
    sender: PartyBody
    recipient: PartyBody
    contents: Annotated[list[Said], Field(max_length=200)]
    way: Said
    way_of_delivery: Unsaid
    case_nos: Annotated[list[Said], Field(max_length=500)] = Field(default_factory=list)


def read_order(said: dict[str, Any]) -> OrderBody:
    """Raises BadFieldError with the first field that is wrong; the value is not repeated, it may be somebody's."""
    try:
        return OrderBody.model_validate(said, strict=True)
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors(include_input=False)[0]["loc"])
        raise BadFieldError(f"字段 {place} 缺失或有误。") from None


def content(said: dict[str, Any]) -> str:
    """The same text for the same content, however its fields were ordered and spaced."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"))
