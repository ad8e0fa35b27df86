"""The post on the network: connections, spoiled answers, doors."""
