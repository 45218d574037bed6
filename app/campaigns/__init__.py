"""Campaigns: which clients act as one operator's harvest, from the linker's finding to the reviewer's verdict."""
