"""Virtual devices: physics, scripted treatments, scripted faults of the line."""
