"""Model cards: a finished training becomes weights that come with the project, and a page that says what they are."""
