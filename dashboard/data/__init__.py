"""What the pages read of the store, kept until the store changes."""
