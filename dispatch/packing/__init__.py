"""The right paper into the right envelope, sealed, and handed to the postman."""
