"""Warnings of a run, each drawn from a measurement, with what to do about it.

A file for each; `warnings_of` has them all, and `section` puts them into a page.
"""
