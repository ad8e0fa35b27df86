"""What does not fit into a post's field: refused before it is sent, or shortened where nobody is misled. Pure."""

from dispatch.carrier import Refused


def whole(text: str, most: int, what: str) -> str:
    """`text`, where its length fits. Raises Refused naming the field: cut, an address would lose its room number."""
    if len(text) > most:
        raise Refused(f"{what}超过 {most} 个字符，寄递企业的接口收不下。请改短后重新下单。")
    return text


def shortened(text: str, most: int) -> str:
    """`text`, or its beginning and «…»: for descriptions, by which nothing is delivered."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"[:most]
