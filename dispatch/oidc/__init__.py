"""An identity service that speaks OpenID Connect, behind the port `identity.py` (a side room)."""
