"""Charts: pure functions from rows of the store, without Streamlit."""
