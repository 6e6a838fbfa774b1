"""What trainings on many images add: averaged weights, batch norm over all ranks."""
