"""From a file of weights to what it is: one record of the checkpoint."""
