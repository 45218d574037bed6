"""Other ways to tell harvesting, in the same harness: written here from their descriptions, none of it copied."""
