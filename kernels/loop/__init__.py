"""The engine of the compiled loop: whole epochs of training in one call."""
