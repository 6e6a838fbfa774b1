"""The drawing of a network of one's own: its modules, with the choices taken."""
