"""What the token-mixing MLPs have learned: their weights, units, matrices and Jacobians."""
