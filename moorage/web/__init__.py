"""What both planes need from HTTP: request id, error boundary, replies, ranges."""
