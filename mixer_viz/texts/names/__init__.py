"""Names that lie in data files, marked for the catalogues: classes, and what cards and lists say of models."""
