"""Who may look: everybody who reaches the dashboard, or only those who log in, where somebody set that up.

Streamlit logs people in with OpenID Connect where its secrets (``.streamlit/secrets.toml`` in the directory where the
dashboard is started, or in the home directory) have a section ``[auth]``. Then no page runs before that is done.
"""

from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAuthError

from dashboard.words import wording


def required() -> None:
    """End the run here, before anything is read, unless the reader is logged in or nobody asks for it."""
    if not any(Path(one).exists() for one in st.get_option("secrets.files")):
        return
    if not st.secrets.load_if_toml_exists():  # what Streamlit cannot read it passes over: then everybody would see all
        st.error(
            "Streamlit's secrets.toml cannot be read, so nobody can tell whether one has to log in here. Mend or "
            "remove it, and start the dashboard again.",
            icon=":material/error:",
        )
        st.stop()
    if "auth" in st.secrets and not st.user.to_dict().get("is_logged_in"):
        _offer()
        st.stop()


def _offer() -> None:
    st.title("Log in")
    st.markdown("These results are shown to people who are logged in.")
    if st.button("Log in", type="primary"):
        try:
            st.login()
        except StreamlitAuthError as error:
            st.error(wording.literal(str(error)), icon=":material/error:")
