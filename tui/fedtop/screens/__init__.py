"""The frames that hold views: Textual screens, and the bars around a view."""
