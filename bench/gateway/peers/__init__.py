"""Other gateways to compare with. Each is optional, and installed into bench/out on demand."""
