"""From serial ports to the journal: ports, the loop, one pipeline a device."""
