"""The least page with a filter: what any page of Streamlit costs."""

import streamlit as st

days = st.pills("Days", ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], selection_mode="multi", key="days")
st.text(f"{len(days)} days")
