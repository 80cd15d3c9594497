"""Carriers: each is one folder at the edge that reads requests into events and writes actions as a document."""
