"""The engines we ship: kinds of stores behind the one seam of `penstock/engine.py`."""
