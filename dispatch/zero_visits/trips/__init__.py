"""What applicants say of their trips, and which figure stands."""
