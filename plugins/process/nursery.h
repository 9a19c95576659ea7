/* nursery.h - a process that makes plugin processes by fork, so that the costs of
 * starting a program (the dynamic loader, building filters) are paid once.
 *
 * It never loads a plugin and knows no secret: its memory is that of a freshly
 * started sgrun-plugin. Its children are children of the host (CLONE_PARENT),
 * which waits for them and kills them as if it had started them itself. */
#ifndef SG_PROCESS_NURSERY_H
#define SG_PROCESS_NURSERY_H

/* The start of its argument; blanks follow, in whose place a child shows its step. */
#define SG_NURSERY_ARGUMENT "--nursery"

/* Descriptor 0 is a SOCK_SEQPACKET socket to the host. Each message of it, the
 * step's id with three descriptors (socket, output, image), makes a child that calls
 * serve(); the answer is an int32: its process id, or -errno. Ends with the host. */
int sg_nursery_main(char *argument, void (*serve)(void));

#endif
