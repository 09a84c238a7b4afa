"""The outside world, one file a system."""
