"""Floor 1. The hot loops: arrays in, arrays out, no Tensor. Each is a formula in NumPy with a compiled twin."""
