/* main.c - the program's entry: all else is in the library, where tests reach it. */
#include "config.h"

#include "core/cli/cli.h"

int main(int argc, char **argv)
{
	return sg_cli_main(argc, argv);
}
