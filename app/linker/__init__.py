"""The linker: finds which clients act as one, beside the scoring of single clients and never in its way."""
