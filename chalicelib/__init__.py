"""The Client Portal: everything that runs in Lambda."""
