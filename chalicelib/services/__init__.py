"""Use cases: plain functions of (context, arguments) that return records."""
