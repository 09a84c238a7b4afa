"""What the portal runs on: the region's templates, packaging, and the same cloud in one process."""
