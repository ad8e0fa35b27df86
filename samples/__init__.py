"""Invented data to try the service with: no person, company, street or number in here is real."""
