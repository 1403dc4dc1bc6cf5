"""What several pages are made of, drawn with Streamlit."""
