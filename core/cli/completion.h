/* completion.h - completion for bash, zsh and fish, of the one table of options, so that none can lag behind. */
#ifndef SG_COMPLETION_H
#define SG_COMPLETION_H

#include "core/base/buf.h"

/* The whole script for "bash", "zsh" or "fish". false: another shell. */
bool sg_completion(struct sg_buf *out, const char *shell);

#endif
