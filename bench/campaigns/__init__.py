"""The linker at scale: time, memory and recovery of planted campaigns among up to a million accounts."""
