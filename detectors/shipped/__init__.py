"""What ships beside the code: the reference of ordinary clients, and its card."""
