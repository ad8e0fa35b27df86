"""A case arrives: decided cases, slips, inbound materials."""
