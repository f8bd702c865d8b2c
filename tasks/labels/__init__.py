"""What people say of answers: a local page that asks, the file that keeps it, and how far they agree."""
