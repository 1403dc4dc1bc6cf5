"""Who may look: everybody who reaches the dashboard, or only those who log in, where somebody set that up.

Streamlit logs people in with OpenID Connect where its secrets (``.streamlit/secrets.toml`` in the directory where the
dashboard is started, or in the home directory) have a section ``[auth]``. Then no page runs before that is done. A
section ``[dashboard]`` there may name the ``readers``: a provider that everybody has an account with lets everybody in.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAuthError

from dashboard.words import wording


def required() -> bool:
    """End the run here, before anything is read, unless the reader is let in or nobody asks for a login.

    Returns:
        Whether the reader is logged in.
    """
    if not any(Path(one).exists() for one in st.get_option("secrets.files")):
        return False
    if not st.secrets.load_if_toml_exists():  # what Streamlit cannot read it passes over: then everybody would see all
        st.error(
            "Streamlit's secrets.toml cannot be read, so nobody can tell whether one has to log in here. Mend or "
            "remove it, and start the dashboard again.",
            icon=":material/error:",
        )
        st.stop()
    if "auth" not in st.secrets:
        return False
    who = st.user.to_dict()
    if not who.get("is_logged_in"):
        _offer()
        st.stop()
    if not is_reader(who, st.secrets.get("dashboard", {}).get("readers")):
        _turn_away(who)
        st.stop()
    return True


def is_reader(who: Mapping[str, Any], readers: object) -> bool:
    """Tell whether somebody who is logged in may look.

    Args:
        who: What the provider says of them.
        readers: Addresses (``ada@example.org``) and domains (``@example.org``) that may; None is everybody. An address
            counts only where the provider says that it has checked it. Whatever is no list names nobody.
    """
    if readers is None:
        return True
    address = str(who.get("email", "")).lower()
    if who.get("email_verified") is not True or "@" not in address or not isinstance(readers, list):
        return False
    named = {str(one).lower() for one in readers}
    return address in named or address[address.rindex("@") :] in named


def account() -> None:
    """Page: who is logged in, and the way out."""
    st.title("Account")
    st.text(f"Logged in as {_name(st.user.to_dict())}.")
    _out()


def _name(who: Mapping[str, Any]) -> str:
    return str(who.get("email") or who.get("name") or who.get("sub"))


def _out() -> None:
    if st.button("Log out"):
        st.logout()


def _offer() -> None:
    st.title("Log in")
    st.markdown("These results are shown to people who are logged in.")
    if st.button("Log in", type="primary"):
        try:
            st.login()
        except StreamlitAuthError as error:
            st.error(wording.literal(str(error)), icon=":material/error:")


def _turn_away(who: Mapping[str, Any]) -> None:
    st.title("Not among the readers")
    st.text(
        f"You are logged in as {_name(who)}, who may not see these results. Whoever "
        "runs this dashboard can add you, if your login provider has checked your address."
    )
    _out()
