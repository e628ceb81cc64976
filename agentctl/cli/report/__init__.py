"""The commands that make reports of results that are there already."""
