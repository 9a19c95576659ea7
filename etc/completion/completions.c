/* completions.c - writes the completion of one shell to stdout: `completions bash`. A program of the build, never installed. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/cli/completion.h"

int main(int argc, char **argv)
{
	struct sg_buf out = SG_BUF_INIT;

	if (argc != 2 || !sg_completion(&out, argv[1])) {
		fprintf(stderr, "usage: completions bash|zsh|fish\n");
		return 2;
	}
	if (fwrite(out.data, 1, out.length, stdout) != out.length || fflush(stdout) != 0) {
		perror("completions");
		return 1;
	}
	sg_buf_release(&out);
	return 0;
}
