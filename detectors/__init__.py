"""What a client's traffic says about harvesting: arrays in, arrays out; no clock, no I/O, no asyncio."""
