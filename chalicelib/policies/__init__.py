"""Who may do what. Imports nothing but the standard library."""
