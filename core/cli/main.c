/* main.c - the program's entry: hands over to the command line. */
#include "core/cli/cli.h"

int main(int argc, char **argv)
{
	return sg_cli_main(argc, argv);
}
