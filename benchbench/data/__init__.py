"""Official file formats, read strictly: a record that is not what its format promises is named."""
