"""The fault storm: many shipments over all carriers while everything goes wrong that a post can do wrong."""
