"""Words of the links for pupils, of reports and of hand-outs."""
