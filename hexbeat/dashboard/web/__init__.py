"""What stands before Streamlit on both sides: hosts, headers, addresses, limits, and the server itself. No store."""
