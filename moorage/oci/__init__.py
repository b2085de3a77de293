"""The vocabulary of the OCI specifications. Pure functions, no I/O: parse once, at the edge, and pass the result on."""
