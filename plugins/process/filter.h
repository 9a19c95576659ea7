/* filter.h - what the maker of the filters and their user agree on. */
#ifndef SG_PROCESS_FILTER_H
#define SG_PROCESS_FILTER_H

/* Stands in the filters where a process's own id belongs; no process has it. */
#define SG_FILTER_SELF 0x53474D45

#endif
