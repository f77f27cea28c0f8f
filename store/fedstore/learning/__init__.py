"""The statistics of the loop: replay, tuning, boosts, confidence, verification.

Pure functions over plain values and arrays: no I/O, no SQL, no clock. Only numpy beside the standard library, and
`intervals`, `boosts`, `confidence`, `targets` and `verify` do without that too. Import the modules one by
one: this package loads none of them.
"""
