/* wire.h - placeholder until the wire lands. */
