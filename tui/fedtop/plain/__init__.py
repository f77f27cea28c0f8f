"""The views as text for one-shot output: pure functions from read models to Rich renderables.

Each takes the read model and a ``Look`` (glyphs, width, time zone) and draws nothing itself. Names from outside
are cleaned and never parsed as markup; an unknown value is a dash, a rate carries its interval and n.
"""
