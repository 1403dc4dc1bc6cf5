"""Streamlit pages over the results database."""
