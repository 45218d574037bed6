"""What the fields of each model API's JSON mean: documents in, fields of an Exchange out; no I/O, no bytes."""
