"""The choices that a module can hold: `choice_point` is the base of all."""
