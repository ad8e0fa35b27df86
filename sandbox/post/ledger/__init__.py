"""What a post writes down: orders, the futures of parcels, and the pushes that tell them."""
