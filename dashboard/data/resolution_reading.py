"""What the page about resolutions reads of the store, kept until the store changes."""

import streamlit as st

from dashboard.data.reading import Rows, Source


def _identity(one: Source) -> tuple[str, str]:
    return one.url, one.version


_kept = st.cache_data(max_entries=100, show_spinner=False, hash_funcs={Source: _identity})


@_kept
def networks(where: Source, sweep: str | None) -> Rows:
    """Return each network with each data set that it was tested on, of all results or a sweep's."""
    return where.reader.resolutions(sweep).networks()


@_kept
def curves(where: Source, sweep: str | None, variant_id: int, dataset_id: int) -> Rows:
    """Return every test of one network on one data set."""
    return where.reader.resolutions(sweep).curves(variant_id, dataset_id)
