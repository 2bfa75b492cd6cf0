"""Search for settings: which are searched, in which ranges, and which are the best."""
