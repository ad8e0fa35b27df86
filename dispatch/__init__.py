"""政务专递: the road a document takes, from the decided case to the citizen's hand."""
