"""Results in, words out: the sentences, tables and equations of each page; no Streamlit, no cache."""

UNKNOWN = "–"  # in a table, where there is no number
