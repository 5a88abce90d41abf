"""What every layer does to one picture: maps, residual stream, logit lens, interventions."""
