"""What a principal may do: roles, actions, and the grants that tokens carry."""
