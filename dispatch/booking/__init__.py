"""The post is told, and the shipment has its number."""
