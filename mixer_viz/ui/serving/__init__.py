"""What whoever runs the server decides, and how they watch it."""
