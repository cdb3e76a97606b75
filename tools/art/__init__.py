"""The drawings: every category in each of its poses, as our own layered vector shapes."""
