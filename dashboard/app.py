"""The dashboard's entry script: which pages there are. Start it with ``python -m dashboard``.

Pages bear no icons: the browser would fetch them from the internet for its tab.
"""

import streamlit as st

from dashboard import login

_PAGES = [
    st.Page("views/sweep.py", title="Sweep", default=True),
    st.Page("views/training_front.py", title="Training front", url_path="training"),
    st.Page("views/inference_front.py", title="Inference front", url_path="inference"),
    st.Page("views/speedup.py", title="Speed-up", url_path="speed-up"),
    st.Page("views/resolution.py", title="Resolution", url_path="resolution"),
    st.Page("views/search.py", title="Search", url_path="search"),
    st.Page("views/published.py", title="Published", url_path="published"),
    st.Page("views/results.py", title="Results", url_path="results"),
    st.Page("views/result.py", title="Result", url_path="result"),
    st.Page("views/compare.py", title="Compare", url_path="compare"),
    st.Page("views/sql.py", title="SQL", url_path="sql"),
]

#: Charts of two panels shrink where a window is too narrow for them; the page would have to be moved sideways.
_STYLE = "<style>[data-testid=stVegaLiteChart] { max-width: 100% } .marks { max-width: 100%; height: auto }</style>"

st.set_page_config(layout="wide")
st.html(_STYLE)
_OWN = [st.Page(login.account, title="Account", url_path="account")] if login.required() else []
st.navigation([*_PAGES, *_OWN], position="top").run()
