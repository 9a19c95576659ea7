/* wire.c - placeholder until the wire lands. */
#include "plugins/wire/wire.h"
typedef int sg_wire_placeholder;
