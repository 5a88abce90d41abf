"""Small pieces that several pages are built of."""
