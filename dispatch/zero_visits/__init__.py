"""Visits counted, evidence weighed, the case closed, the figures reported."""
