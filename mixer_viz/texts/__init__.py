"""Results in, words out: the sentences, tables and equations of each page; no Streamlit, no cache."""
