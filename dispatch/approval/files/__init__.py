"""What a file is, and what stands in its cells, before anything is known about cases."""
