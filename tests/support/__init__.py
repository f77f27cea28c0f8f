"""What tests and benches make data with."""
