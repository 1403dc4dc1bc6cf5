"""What the pages say, in words and rows. Pure."""
