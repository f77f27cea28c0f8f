"""Made data: a simulated federation and the sample log."""
