"""What is neither plane: probes and metrics."""
