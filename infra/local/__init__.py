"""The whole cloud in one process, for development and tests: never packaged, never deployed."""
