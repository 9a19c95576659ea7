/* main.c - the program's entry: hands over to the command line. */
#include "config.h"

#include <stdio.h>

int main(void)
{
	puts(PACKAGE_VERSION_TEXT);
	return 0;
}
