"""The flow language: from YAML text with positions to a flow that can be walked, drawn, checked and translated."""
