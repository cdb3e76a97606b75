"""The drawings: every category in every pose it takes, as layered vector shapes of our own."""
