"""What is measured of the service, for whoever watches it from outside: no name, no address, no id."""
